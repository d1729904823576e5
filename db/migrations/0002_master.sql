-- Master data: who is supplied where, by which meter, under which agreement.

CREATE TABLE customer (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL UNIQUE,
  name text NOT NULL,
  email text,
  language text NOT NULL DEFAULT 'en'
);

CREATE TABLE account (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text NOT NULL UNIQUE,
  customer_id int NOT NULL REFERENCES customer,
  branch text NOT NULL,
  currency char(3) NOT NULL,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'closed'))
);

CREATE TABLE service_point (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL UNIQUE,
  time_zone text NOT NULL,
  branch text NOT NULL,
  feeder text NOT NULL,
  transformer text NOT NULL,
  address text NOT NULL DEFAULT '',
  calendar text,
  -- Unknown is treated as protected: no evidence, no disconnect (promise 6).
  protection text NOT NULL DEFAULT 'unknown' CHECK (protection IN ('none', 'protected', 'unknown')),
  protection_checked_at timestamptz,
  protection_reason text
);
CREATE INDEX service_point_feeder ON service_point (feeder);

CREATE TABLE agreement (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account_id int NOT NULL REFERENCES account,
  service_point_id int NOT NULL REFERENCES service_point,
  tariff_code text NOT NULL,
  contract jsonb NOT NULL DEFAULT '{}', -- contracted kW and the like, decimal strings
  from_date date NOT NULL,
  to_date date,
  CHECK (to_date IS NULL OR to_date > from_date),
  EXCLUDE USING gist (int4range(service_point_id, service_point_id, '[]') WITH &&,
                      daterange(from_date, to_date) WITH &&)
);
CREATE INDEX agreement_account ON agreement (account_id);

CREATE TABLE meter (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  serial text NOT NULL UNIQUE,
  protocol text NOT NULL CHECK (protocol IN ('mqtt', 'dlms', 'modbus', 'manual')),
  model text NOT NULL DEFAULT '',
  has_breaker boolean NOT NULL DEFAULT false,
  secret_hash bytea, -- SHA-256 of a random secret of at least 128 bits
  breaker_state text NOT NULL DEFAULT 'unknown'
    CHECK (breaker_state IN ('open', 'closed', 'ready', 'unknown')),
  breaker_at timestamptz
);

CREATE TABLE channel (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  meter_id int NOT NULL REFERENCES meter,
  code text NOT NULL, -- OBIS code or market stream name
  kind text NOT NULL CHECK (kind IN ('interval', 'register')),
  direction text NOT NULL CHECK (direction IN ('import', 'export', 'net')),
  unit text NOT NULL,
  exponent smallint NOT NULL DEFAULT 0,
  interval_s int NOT NULL CHECK (interval_s >= 0),
  ratio_numerator int NOT NULL DEFAULT 1 CHECK (ratio_numerator > 0),
  ratio_denominator int NOT NULL DEFAULT 1 CHECK (ratio_denominator > 0),
  modulus bigint CHECK (modulus > 0),
  interval_max bigint, -- most that can flow in one interval (service size); NULL = not known
  UNIQUE (meter_id, code, kind),
  CHECK ((kind = 'register') = (interval_s = 0))
);

CREATE TABLE installation (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  meter_id int NOT NULL REFERENCES meter,
  service_point_id int NOT NULL REFERENCES service_point,
  from_at timestamptz NOT NULL,
  to_at timestamptz,
  CHECK (to_at IS NULL OR to_at > from_at),
  EXCLUDE USING gist (int4range(meter_id, meter_id, '[]') WITH &&,
                      tstzrange(from_at, to_at) WITH &&)
);
CREATE INDEX installation_service_point ON installation (service_point_id);
