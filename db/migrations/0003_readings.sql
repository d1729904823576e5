-- Readings, their history, and where each of them came from.

-- Readings that became known together: a group of messages, a file, an estimation run, an edit.
-- A reading version is named by (channel, start, batch); its recorded time is the batch's.
CREATE TABLE batch (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  uid uuid NOT NULL UNIQUE,
  origin text NOT NULL, -- 'mqtt', 'http:KEY', 'file:NAME', 'vee', 'edit'
  received_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL,
  messages int NOT NULL,
  raw_hash bytea,
  offered int NOT NULL,
  stored int NOT NULL,
  duplicate int NOT NULL,
  rejected int NOT NULL,
  quarantined int NOT NULL,
  absent int NOT NULL DEFAULT 0, -- values the source itself declared missing; not offered
  CONSTRAINT batch_conserves CHECK (offered = stored + duplicate + rejected + quarantined)
);
CREATE INDEX batch_origin ON batch (origin, id);

-- The bytes as they came (domain/framing, deflated). Apart, so that they can age out alone.
CREATE TABLE batch_raw (
  batch_id bigint PRIMARY KEY REFERENCES batch,
  raw bytea NOT NULL
);
ALTER TABLE batch_raw ALTER COLUMN raw SET STORAGE EXTERNAL;

-- Column order packs a row into 32 bytes of data.
CREATE TABLE reading (
  start_at timestamptz NOT NULL,
  value bigint NOT NULL,      -- whole count in the channel's unit and exponent
  batch_id bigint NOT NULL,   -- the version
  channel_id int NOT NULL,
  quality smallint NOT NULL,  -- domain/quality
  flags smallint NOT NULL     -- domain/quality FLAG bits
);
SELECT create_hypertable('reading', by_range('start_at', INTERVAL '7 days'),
                         create_default_indexes => false);
CREATE UNIQUE INDEX reading_key ON reading (channel_id, start_at);

CREATE TABLE reading_history (
  start_at timestamptz NOT NULL,
  value bigint NOT NULL,
  batch_id bigint NOT NULL,
  channel_id int NOT NULL,
  quality smallint NOT NULL,
  flags smallint NOT NULL,
  superseded_by bigint NOT NULL,        -- batch of the version that replaced this one
  superseded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  reason text NOT NULL
);
SELECT create_hypertable('reading_history', by_range('start_at', INTERVAL '28 days'),
                         create_default_indexes => false);
CREATE UNIQUE INDEX reading_history_key ON reading_history (channel_id, start_at, superseded_by);

CREATE TABLE register_read (
  at timestamptz NOT NULL,
  value bigint NOT NULL,
  batch_id bigint NOT NULL,
  channel_id int NOT NULL,
  quality smallint NOT NULL,
  flags smallint NOT NULL
);
SELECT create_hypertable('register_read', by_range('at', INTERVAL '28 days'),
                         create_default_indexes => false);
CREATE UNIQUE INDEX register_read_key ON register_read (channel_id, at);
