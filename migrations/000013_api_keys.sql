-- Up Migration

-- API keys, the secrets that sign their requests, and what API processes report about their installation.

-- Only the SHA-256 of a key is stored. A key has 256 random bits, so a fast hash is enough, and a leaked table
-- gives no access.
CREATE TABLE api_keys (
  key_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  key_hash bytea NOT NULL UNIQUE CHECK (length(key_hash) = 32),
  scope text NOT NULL CHECK (scope IN ('gateway', 'metering', 'operator', 'tenant')),
  tenant_id external_id REFERENCES tenants,
  -- The currency of the costs that LiteLLM sends with a gateway's key.
  currency currency_code,
  -- Names the caller in requests and logs.
  label text NOT NULL CHECK (label ~ '^[^[:cntrl:]]{1,100}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  -- The key is rejected from this instant on. Null: it works until it is revoked.
  expires_at timestamptz,
  -- Accurate to the minute while the key is in use.
  last_used_at timestamptz,
  -- The key that this one replaces. Both work until the old one ends. A key has at most one successor.
  replaces_key_id uuid UNIQUE REFERENCES api_keys CHECK (replaces_key_id <> key_id),
  CHECK ((scope = 'tenant') = (tenant_id IS NOT NULL)),
  CHECK ((scope = 'gateway') = (currency IS NOT NULL))
);
CREATE INDEX api_keys_by_age ON api_keys (created_at, key_id);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant_id, created_at, key_id) WHERE tenant_id IS NOT NULL;

-- A revocation is final, and an expiry can only be brought forward.
CREATE FUNCTION api_keys_end_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at)
     OR (OLD.expires_at IS NOT NULL
         AND (NEW.expires_at IS NULL OR NEW.expires_at > OLD.expires_at))
  THEN
    RAISE EXCEPTION 'the expiry or revocation of API key % cannot be undone: create a new key', OLD.key_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER api_keys_end_for_good BEFORE UPDATE ON api_keys
  FOR EACH ROW EXECUTE FUNCTION api_keys_end_for_good();

-- The secrets that sign a key's requests. If a key has at least one live secret, its requests must be signed.
-- The secrets are derived from a master secret that the database does not have, so these rows can't be used to
-- forge a signature (ADR 13).
CREATE TABLE signing_secrets (
  secret_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  key_id uuid NOT NULL REFERENCES api_keys,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);
CREATE INDEX signing_secrets_by_key ON signing_secrets (key_id);

CREATE FUNCTION signing_secrets_end_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
    RAISE EXCEPTION 'signing secret % is revoked, which cannot be undone', OLD.secret_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER signing_secrets_end_for_good BEFORE UPDATE ON signing_secrets
  FOR EACH ROW EXECUTE FUNCTION signing_secrets_end_for_good();

-- Problems with their installation that API processes notice, for `doctor`, which runs elsewhere.
CREATE TABLE api_notices (
  notice text PRIMARY KEY CHECK (notice IN ('untrusted_proxy')),
  noticed_at timestamptz NOT NULL
);

-- Only the CLI creates and ends keys. The reporting role can read everything about a key except its hash.
GRANT SELECT ON api_keys, signing_secrets, api_notices TO arcadia_api;
GRANT UPDATE (last_used_at) ON api_keys TO arcadia_api;
GRANT INSERT, UPDATE (noticed_at) ON api_notices TO arcadia_api;
GRANT INSERT ON api_keys, signing_secrets TO arcadia_app;
GRANT UPDATE (expires_at, revoked_at) ON api_keys TO arcadia_app;
GRANT UPDATE (revoked_at) ON signing_secrets TO arcadia_app;
GRANT SELECT (key_id, scope, tenant_id, currency, label, created_at, revoked_at, expires_at, last_used_at,
  replaces_key_id) ON api_keys TO arcadia_readonly;
GRANT SELECT ON api_notices TO arcadia_readonly;
CALL isolate_tenants('api_keys');
CALL isolate_tenants('signing_secrets', 'api_keys', 'key_id');
