-- Breaker commands (design.md promise 6). The database itself refuses what must never happen: two
-- commands under way on one meter, a transition outside the table, a second send, a changed order.

CREATE TABLE command (
  id uuid PRIMARY KEY,
  meter_id int NOT NULL REFERENCES meter,
  meter_serial text NOT NULL,
  service_point_id int NOT NULL REFERENCES service_point,
  account_id int REFERENCES account,
  -- As known when the command was made; the governor reads the service point again when it sends.
  feeder text NOT NULL,
  transformer text NOT NULL,
  action text NOT NULL CHECK (action IN ('disconnect', 'connect', 'arm', 'read')),
  state text NOT NULL DEFAULT 'requested' CHECK (state IN ('requested', 'approved', 'queued', 'sent',
    'accepted', 'indeterminate', 'confirmed', 'refused', 'expired', 'cancelled')),
  requested_by text NOT NULL,
  requested_at timestamptz NOT NULL,
  not_before timestamptz NOT NULL,
  not_after timestamptz NOT NULL,
  decision jsonb NOT NULL,
  decision_hash text NOT NULL,
  guards_version bigint,
  idempotency_key text NOT NULL UNIQUE,
  approval_key_id text,
  approval_signature text,
  approved_by text,
  approved_at timestamptz,
  attempts int NOT NULL DEFAULT 0 CHECK (attempts IN (0, 1)),
  sender text,
  nonce text,
  deadline_at timestamptz, -- what the meter was told
  sent_at timestamptz,
  answered_at timestamptz,
  indeterminate_at timestamptz,
  confirmed_at timestamptz,
  changed_at timestamptz NOT NULL,
  next_try_at timestamptz, -- NULL: at once
  rereads int NOT NULL DEFAULT 0,
  result jsonb,
  reason text,
  CHECK (not_after > not_before),
  CHECK ((attempts = 1) = (sent_at IS NOT NULL))
);

-- One breaker command per meter from the queue until its outcome is known. Reads move nothing.
CREATE UNIQUE INDEX command_under_way ON command (meter_id)
  WHERE action <> 'read' AND state IN ('queued', 'sent', 'accepted', 'indeterminate');
CREATE INDEX command_open ON command (state, id)
  WHERE state NOT IN ('confirmed', 'refused', 'expired', 'cancelled');
CREATE INDEX command_sent ON command (sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX command_meter ON command (meter_id, requested_at);
CREATE INDEX command_account ON command (account_id, requested_at);
CREATE INDEX command_unclear ON command (indeterminate_at) WHERE indeterminate_at IS NOT NULL;
CREATE INDEX meter_breaker ON meter (id) WHERE has_breaker;

-- The same table as domain/command.ts; a test compares them.
CREATE TABLE command_transition (
  from_state text NOT NULL,
  to_state text NOT NULL,
  PRIMARY KEY (from_state, to_state)
);
INSERT INTO command_transition VALUES
  ('requested', 'approved'), ('requested', 'cancelled'), ('requested', 'expired'),
  ('approved', 'queued'), ('approved', 'cancelled'), ('approved', 'expired'),
  ('queued', 'sent'), ('queued', 'cancelled'), ('queued', 'expired'), ('queued', 'refused'),
  ('sent', 'accepted'), ('sent', 'confirmed'), ('sent', 'refused'), ('sent', 'indeterminate'),
  ('accepted', 'confirmed'), ('accepted', 'indeterminate'), ('accepted', 'refused'),
  ('indeterminate', 'confirmed'), ('indeterminate', 'refused');

CREATE FUNCTION command_keep_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.meter_id, NEW.meter_serial, NEW.service_point_id, NEW.account_id, NEW.action,
      NEW.requested_by, NEW.requested_at, NEW.not_before, NEW.not_after, NEW.decision,
      NEW.decision_hash, NEW.guards_version, NEW.idempotency_key)
     IS DISTINCT FROM
     (OLD.id, OLD.meter_id, OLD.meter_serial, OLD.service_point_id, OLD.account_id, OLD.action,
      OLD.requested_by, OLD.requested_at, OLD.not_before, OLD.not_after, OLD.decision,
      OLD.decision_hash, OLD.guards_version, OLD.idempotency_key) THEN
    RAISE EXCEPTION 'the order of command % cannot be changed', OLD.id
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF OLD.sent_at IS NOT NULL AND
     (NEW.sent_at, NEW.nonce, NEW.sender, NEW.deadline_at, NEW.attempts)
     IS DISTINCT FROM (OLD.sent_at, OLD.nonce, OLD.sender, OLD.deadline_at, OLD.attempts) THEN
    RAISE EXCEPTION 'command % was sent; that cannot be undone', OLD.id
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF OLD.state <> NEW.state AND NOT EXISTS (
    SELECT FROM command_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'command % cannot go from % to %', OLD.id, OLD.state, NEW.state
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER command_keep_order BEFORE UPDATE ON command
  FOR EACH ROW EXECUTE FUNCTION command_keep_order();
CREATE TRIGGER command_keep BEFORE DELETE OR TRUNCATE ON command
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE command_event (
  command_id uuid NOT NULL REFERENCES command,
  seq int NOT NULL,
  at timestamptz NOT NULL,
  from_state text, -- NULL: it came to be
  to_state text NOT NULL,
  actor text NOT NULL,
  detail jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (command_id, seq)
);
CREATE TRIGGER command_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON command_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Facts about an account that forbid a disconnect and change with money. Whoever posts a payment
-- and whoever sends a command lock the same row, so that one of them comes first (threat T08).
CREATE TABLE account_guard (
  account_id int PRIMARY KEY REFERENCES account,
  version bigint NOT NULL DEFAULT 1,
  payable_open text, -- decimal string; NULL: not known
  blocks jsonb NOT NULL DEFAULT '{}', -- kind of block -> why, e.g. {"dispute": "case 12"}
  reason text NOT NULL DEFAULT 'first seen',
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Absent or anything but 'off' holds every breaker (db/control.ts).
INSERT INTO control_flag (name, value, set_by) VALUES ('breaker.kill', 'off', 'installation')
  ON CONFLICT DO NOTHING;
