-- What arrival needs beside the tables of 0003 and 0004.

-- When the source made a version, for the blocks whose source says so (NEM12 UpdateDateTime).
-- A row stands for the starts [from_at, to_at) of one channel that came with one batch.
CREATE TABLE reading_source_version (
  batch_id bigint NOT NULL,
  channel_id int NOT NULL,
  from_at timestamptz NOT NULL,
  to_at timestamptz NOT NULL,
  version_at timestamptz NOT NULL
);
CREATE INDEX reading_source_version_key ON reading_source_version (batch_id, channel_id, from_at);

-- Records that were understood but may not replace what is there: nothing for a person to do.
-- Together with quarantine it accounts for every offered record that is not a reading.
CREATE TABLE rejection (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  batch_id bigint NOT NULL REFERENCES batch,
  message int NOT NULL,
  at text NOT NULL,
  code text NOT NULL,
  reason text NOT NULL,
  records int NOT NULL,
  block jsonb
);
CREATE INDEX rejection_batch ON rejection (batch_id);

-- The way back from a replay to the batches, and so to the bytes, it came from.
CREATE INDEX quarantine_replay ON quarantine (replay_batch_id) WHERE replay_batch_id IS NOT NULL;
