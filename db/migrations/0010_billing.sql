-- Tariffs, bill runs, invoices, the ledger, payments.

CREATE TABLE tariff (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL,
  revision int NOT NULL,           -- the document's own count; effective dates stand inside it
  definition jsonb NOT NULL,
  definition_hash text NOT NULL,   -- SHA-256 of the canonical JSON
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  created_by text NOT NULL,
  UNIQUE (code, revision),
  UNIQUE (code, definition_hash)
);

-- Gapless numbers: a locked row, not a sequence (design.md section 6, row 10 of the durability table).
CREATE TABLE number_series (
  series text PRIMARY KEY,
  next_number bigint NOT NULL DEFAULT 1
);

CREATE TABLE bill_run (
  id uuid PRIMARY KEY,
  mode text NOT NULL CHECK (mode IN ('preview', 'issue')),
  period_from date NOT NULL,
  period_to date NOT NULL,
  branch text,
  state text NOT NULL CHECK (state IN ('running', 'done')),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  created_by text NOT NULL,
  idempotency_key text UNIQUE,
  finished_at timestamptz
);

CREATE TABLE bill_run_item (
  run_id uuid NOT NULL REFERENCES bill_run,
  agreement_id int NOT NULL REFERENCES agreement,
  shard int NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'previewed', 'issued', 'held')),
  invoice_number text,
  total numeric,
  input_hash text,
  reason text,                     -- why it is held
  PRIMARY KEY (run_id, agreement_id)
);
CREATE INDEX bill_run_item_open ON bill_run_item (run_id, shard) WHERE state = 'open';

-- An issued invoice never changes; corrections are documents of their own.
CREATE TABLE invoice (
  number text PRIMARY KEY,
  series text NOT NULL,
  account_id int NOT NULL REFERENCES account,
  agreement_id int NOT NULL REFERENCES agreement,
  kind text NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
  corrects text REFERENCES invoice,
  period_from date NOT NULL,
  period_to date NOT NULL,
  currency char(3) NOT NULL,
  net numeric NOT NULL,
  tax numeric NOT NULL,
  total numeric NOT NULL,
  input_hash text NOT NULL,
  result_hash text NOT NULL,
  as_of timestamptz NOT NULL,      -- readings as known then
  snapshot jsonb NOT NULL,         -- customer, service points, contract, tariff revision
  issued_at timestamptz NOT NULL,
  due_date date NOT NULL,
  run_id uuid REFERENCES bill_run,
  CHECK (total = net + tax)
);
CREATE INDEX invoice_account ON invoice (account_id, period_from);
-- One bill for an agreement and period; corrections name the document they correct.
CREATE UNIQUE INDEX invoice_once ON invoice (agreement_id, period_from, period_to)
  WHERE kind = 'invoice' AND corrects IS NULL;

CREATE TABLE invoice_line (
  invoice_number text NOT NULL REFERENCES invoice,
  line int NOT NULL,
  code text NOT NULL,
  description text NOT NULL,
  from_date date NOT NULL,
  to_date date NOT NULL,
  quantity numeric NOT NULL,
  unit text NOT NULL,
  price numeric NOT NULL,
  factor numeric,
  exact text NOT NULL,             -- the amount before rounding, decimal string
  amount numeric NOT NULL,
  tags text[] NOT NULL,
  tariff_version int NOT NULL,
  determinants text[] NOT NULL,
  PRIMARY KEY (invoice_number, line)
);

CREATE TABLE invoice_tax (
  invoice_number text NOT NULL REFERENCES invoice,
  code text NOT NULL,
  base numeric NOT NULL,
  rate numeric NOT NULL,
  amount numeric NOT NULL,
  PRIMARY KEY (invoice_number, code, rate)
);

CREATE TABLE invoice_determinant (
  invoice_number text NOT NULL REFERENCES invoice,
  code text NOT NULL,
  channel_ids int[] NOT NULL,
  definition jsonb NOT NULL,       -- period, segments, counts, fingerprint: what rating was given
  PRIMARY KEY (invoice_number, code)
);

CREATE TRIGGER invoice_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_line_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_line
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_tax_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_tax
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_determinant_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_determinant
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Double entry. Every transaction balances to zero, checked when it commits.
CREATE TABLE ledger_transaction (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  business_date date NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind text NOT NULL,              -- 'invoice', 'payment', 'credit_note', 'reversal'
  reference text NOT NULL,
  idempotency_key text NOT NULL UNIQUE,
  actor text NOT NULL
);

CREATE TABLE ledger_entry (
  transaction_id bigint NOT NULL REFERENCES ledger_transaction,
  line int NOT NULL,
  ledger_account text NOT NULL,    -- 'receivable', 'revenue', 'tax.iva', 'cash', 'suspense'
  account_id int REFERENCES account,
  currency char(3) NOT NULL,
  debit numeric NOT NULL DEFAULT 0 CHECK (debit >= 0),
  credit numeric NOT NULL DEFAULT 0 CHECK (credit >= 0),
  PRIMARY KEY (transaction_id, line),
  CHECK (debit = 0 OR credit = 0)
);
CREATE INDEX ledger_entry_account ON ledger_entry (account_id, ledger_account);

CREATE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM ledger_entry WHERE transaction_id = NEW.transaction_id
    GROUP BY currency HAVING sum(debit) <> sum(credit)
  ) THEN
    RAISE EXCEPTION 'ledger transaction % does not balance', NEW.transaction_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT ON ledger_entry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balances();
CREATE TRIGGER ledger_entry_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_transaction_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transaction
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE payment (
  id uuid PRIMARY KEY,
  provider text NOT NULL,
  provider_reference text NOT NULL,
  account_id int REFERENCES account,  -- NULL = suspense
  amount numeric NOT NULL CHECK (amount > 0),
  currency char(3) NOT NULL,
  received_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  transaction_id bigint NOT NULL REFERENCES ledger_transaction,
  UNIQUE (provider, provider_reference)
);

CREATE VIEW account_balance AS
  SELECT account_id, currency, sum(debit - credit) AS balance
  FROM ledger_entry WHERE ledger_account = 'receivable' AND account_id IS NOT NULL
  GROUP BY account_id, currency;
