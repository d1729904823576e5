-- What every room needs: audit, outbox, keys, idempotency, switches.

CREATE EXTENSION IF NOT EXISTS timescaledb;

-- Append-only, hash-chained audit (design.md section 6). One chain per room, so that rooms do not
-- wait for each other; audit_head holds the last hash of each chain and is the lock of the chain.
CREATE TABLE audit_head (
  chain text PRIMARY KEY,
  seq bigint NOT NULL,
  hash bytea NOT NULL
);

CREATE TABLE audit (
  chain text NOT NULL,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  subject_kind text NOT NULL,
  subject_id text NOT NULL,
  detail text NOT NULL, -- canonical JSON: its bytes are hashed
  hash bytea NOT NULL,
  PRIMARY KEY (chain, seq)
);
CREATE INDEX audit_subject ON audit (subject_kind, subject_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The hashed text is the row's members one per line; times in microseconds since 1970.
CREATE FUNCTION audit_hash(
  p_previous bytea, p_chain text, p_seq bigint, p_at timestamptz, p_actor text, p_action text,
  p_subject_kind text, p_subject_id text, p_detail text
) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(p_previous || convert_to(
    p_chain || E'\n' || p_seq || E'\n' || (extract(epoch FROM p_at) * 1000000)::bigint || E'\n' ||
    p_actor || E'\n' || p_action || E'\n' || p_subject_kind || E'\n' || p_subject_id || E'\n' ||
    p_detail, 'UTF8'))
$$;

CREATE FUNCTION audit_append(
  p_chain text, p_actor text, p_action text, p_subject_kind text, p_subject_id text, p_detail text
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_head audit_head;
  v_at timestamptz := clock_timestamp();
  v_seq bigint;
  v_hash bytea;
BEGIN
  INSERT INTO audit_head VALUES (p_chain, 0, '\x') ON CONFLICT DO NOTHING;
  SELECT * INTO v_head FROM audit_head WHERE chain = p_chain FOR UPDATE;
  v_seq := v_head.seq + 1;
  v_hash := audit_hash(v_head.hash, p_chain, v_seq, v_at, p_actor, p_action, p_subject_kind,
                       p_subject_id, p_detail);
  INSERT INTO audit VALUES (p_chain, v_seq, v_at, p_actor, p_action, p_subject_kind, p_subject_id,
                            p_detail, v_hash);
  UPDATE audit_head SET seq = v_seq, hash = v_hash WHERE chain = p_chain;
  RETURN v_seq;
END $$;

-- Transactional outbox: written with the change it tells of, read in order, effects keyed by id.
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text NOT NULL,
  key text NOT NULL,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  done_at timestamptz
);
CREATE INDEX outbox_open ON outbox (topic, id) WHERE done_at IS NULL;

CREATE TABLE api_key (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  prefix text NOT NULL UNIQUE,
  secret_hash bytea NOT NULL, -- SHA-256 of 256 random bits: random needs no slow hash
  name text NOT NULL UNIQUE,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz
);

CREATE TABLE idempotency (
  principal text NOT NULL,
  key text NOT NULL,
  route text NOT NULL,
  body_hash bytea NOT NULL,
  status int,
  response text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- Kill switch and the like. Absent = the safe value; each reader says what that is.
CREATE TABLE control_flag (
  name text PRIMARY KEY,
  value text NOT NULL,
  set_by text NOT NULL,
  set_at timestamptz NOT NULL DEFAULT now()
);
