-- Collections: plans as data, cases with their steps, notices with proof, holds, what people must see.

CREATE TABLE collection_plan (
  code text NOT NULL,
  revision int NOT NULL,
  definition jsonb NOT NULL,
  definition_hash text NOT NULL,   -- SHA-256 of the canonical JSON
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  created_by text NOT NULL,
  PRIMARY KEY (code, revision),
  UNIQUE (code, definition_hash)
);

-- A case keeps the revision it was opened under; `round` grows each time notice periods run again.
CREATE TABLE collection_case (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account_id int NOT NULL REFERENCES account,
  plan_code text NOT NULL,
  plan_revision int NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'stopped', 'restoring', 'closed')),
  round int NOT NULL DEFAULT 1 CHECK (round > 0),
  reason text NOT NULL,
  opened_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  closed_at timestamptz,
  FOREIGN KEY (plan_code, plan_revision) REFERENCES collection_plan,
  CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);
CREATE UNIQUE INDEX collection_case_one ON collection_case (account_id) WHERE closed_at IS NULL;
CREATE INDEX collection_case_account ON collection_case (account_id, id);

-- The key makes each step happen once; only breaker steps have further attempts.
CREATE TABLE collection_step (
  case_id bigint NOT NULL REFERENCES collection_case,
  round int NOT NULL,
  step text NOT NULL,
  attempt int NOT NULL CHECK (attempt > 0),
  action text NOT NULL CHECK (action IN ('notice', 'final_notice', 'disconnect', 'reconnect')),
  at timestamptz NOT NULL,
  command_id uuid UNIQUE REFERENCES command,
  PRIMARY KEY (case_id, round, step, attempt),
  CHECK ((command_id IS NOT NULL) = (action IN ('disconnect', 'reconnect')))
);
CREATE TRIGGER collection_step_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON collection_step
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Served = this row stands. The proof hash covers the text, the receiver and the moment.
CREATE TABLE collection_notice (
  id uuid PRIMARY KEY,
  case_id bigint NOT NULL,
  round int NOT NULL,
  step text NOT NULL,
  attempt int NOT NULL DEFAULT 1 CHECK (attempt = 1),
  account_id int NOT NULL REFERENCES account,
  kind text NOT NULL CHECK (kind IN ('notice', 'final_notice')),
  channel text NOT NULL CHECK (channel IN ('file')),
  language text NOT NULL,
  amount numeric NOT NULL,
  currency char(3) NOT NULL,
  body text NOT NULL,
  served_at timestamptz NOT NULL,
  proof_hash text NOT NULL,
  UNIQUE (case_id, round, step),
  FOREIGN KEY (case_id, round, step, attempt) REFERENCES collection_step
);
CREATE INDEX collection_notice_account ON collection_notice (account_id, served_at);
CREATE TRIGGER collection_notice_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON collection_notice
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A reason not to collect while it lasts, [from_at, to_at); NULL = until it is released.
CREATE TABLE collection_hold (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account_id int NOT NULL REFERENCES account,
  kind text NOT NULL CHECK (kind IN ('dispute', 'arrangement', 'pledge', 'bankruptcy', 'medical',
    'vulnerable', 'moratorium', 'other')),
  from_at timestamptz NOT NULL,
  to_at timestamptz,
  reason text NOT NULL,
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  idempotency_key text NOT NULL UNIQUE,
  released_at timestamptz,
  released_by text,
  CHECK (to_at IS NULL OR to_at > from_at),
  CHECK ((released_at IS NULL) = (released_by IS NULL))
);
CREATE INDEX collection_hold_account ON collection_hold (account_id, from_at);

-- What happened in a case and what a person has to see; the key keeps repetitions out.
CREATE TABLE collection_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account_id int NOT NULL REFERENCES account,
  case_id bigint REFERENCES collection_case,
  at timestamptz NOT NULL,
  kind text NOT NULL,
  needs_person boolean NOT NULL DEFAULT false,
  detail jsonb NOT NULL DEFAULT '{}',
  once_key text NOT NULL UNIQUE,
  settled_at timestamptz
);
CREATE INDEX collection_event_account ON collection_event (account_id, at);
CREATE INDEX collection_event_work ON collection_event (id) WHERE needs_person AND settled_at IS NULL;
