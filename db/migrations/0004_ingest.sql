-- The interval ledger, validation results, and what could not be taken.

-- One row per channel and local day: the expected grid and how much of it is there. With the
-- reading beside it, it gives every interval its state (interval_state below).
CREATE TABLE channel_day (
  channel_id int NOT NULL,
  local_date date NOT NULL,
  from_at timestamptz NOT NULL,  -- local midnight
  to_at timestamptz NOT NULL,    -- next local midnight: 23, 24 or 25 hours later
  expected smallint NOT NULL,
  received smallint NOT NULL DEFAULT 0,
  estimated smallint NOT NULL DEFAULT 0,
  edited smallint NOT NULL DEFAULT 0,
  missing smallint NOT NULL DEFAULT 0,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  dirty boolean NOT NULL DEFAULT false, -- something arrived after the close
  touched int NOT NULL DEFAULT 0,       -- how often; a close that saw fewer leaves it dirty
  closed_at timestamptz,
  PRIMARY KEY (channel_id, local_date)
);
CREATE INDEX channel_day_work ON channel_day (local_date, channel_id)
  WHERE state = 'open' OR dirty;

-- How far the grid has been laid out and closed; the hot path compares with it, nothing else.
CREATE TABLE ledger_mark (
  name text PRIMARY KEY,
  local_date date NOT NULL
);

-- Results of validation rules, beside the data.
CREATE TABLE vee_exception (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  channel_id int NOT NULL,
  from_at timestamptz NOT NULL,
  to_at timestamptz NOT NULL,
  rule text NOT NULL,
  rule_version int NOT NULL,
  severity text NOT NULL CHECK (severity IN ('INFO', 'ISSUE', 'TERMINATE')),
  detail jsonb NOT NULL,
  batch_id bigint,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  resolved_at timestamptz,
  UNIQUE NULLS NOT DISTINCT (channel_id, from_at, to_at, rule, batch_id)
);

-- Why an estimate has its value: method, version, and the numbers it was made from.
CREATE TABLE estimation (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  batch_id bigint NOT NULL REFERENCES batch,
  channel_id int NOT NULL,
  from_at timestamptz NOT NULL,
  to_at timestamptz NOT NULL,
  method text NOT NULL,
  method_version int NOT NULL,
  basis jsonb NOT NULL
);
CREATE INDEX estimation_channel ON estimation (channel_id, from_at);

-- Records that could not be taken, with the reason and the way back to their bytes.
CREATE TABLE quarantine (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  batch_id bigint NOT NULL REFERENCES batch,
  message int NOT NULL,      -- index of the envelope in the batch's raw payload
  at text NOT NULL,          -- place inside the message
  code text NOT NULL,        -- domain/faults
  reason text NOT NULL,
  records int NOT NULL,
  block jsonb,               -- the decoded block, when it could be decoded
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded')),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  settled_at timestamptz,
  settled_by text,
  replay_batch_id bigint
);
CREATE INDEX quarantine_open ON quarantine (code, id) WHERE state = 'open';
CREATE INDEX quarantine_batch ON quarantine (batch_id);

-- State of one interval, from its grid day and its reading (design.md promise 4).
CREATE FUNCTION interval_state(
  p_quality smallint, p_late_after timestamptz, p_now timestamptz, p_billed_by text
) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN p_quality IS NULL THEN CASE WHEN p_now >= p_late_after THEN 'late' ELSE 'expected' END
    WHEN p_billed_by IS NOT NULL THEN 'billed'
    WHEN p_quality BETWEEN 10 AND 19 THEN 'estimated'
    WHEN p_quality = 30 THEN 'edited'
    ELSE 'received'
  END
$$;
