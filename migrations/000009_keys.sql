-- Up Migration

-- Keys that end by themselves, that are replaced by a successor while both work, and
-- of which it is known when they were last used.
ALTER TABLE api_keys
  -- From this instant on the key is refused. Null: it works until it is revoked.
  ADD COLUMN expires_at timestamptz,
  -- To the minute, while the key is in use.
  ADD COLUMN last_used_at timestamptz,
  -- The key that this one was made to replace. A key has one successor.
  ADD COLUMN replaces_key_id uuid UNIQUE REFERENCES api_keys CHECK (replaces_key_id <> key_id);

-- The secrets with which a key's requests are signed: who has one live secret or more
-- has to sign. Their texts are derived from a master secret that the database doesn't
-- have, so that these rows forge nothing.
CREATE TABLE signing_secrets (
  secret_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  key_id uuid NOT NULL REFERENCES api_keys,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);
CREATE INDEX signing_secrets_by_key ON signing_secrets (key_id);

-- What has ended stays ended, and an end only comes nearer.
CREATE FUNCTION api_keys_end_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at)
     OR (OLD.expires_at IS NOT NULL
         AND (NEW.expires_at IS NULL OR NEW.expires_at > OLD.expires_at))
  THEN
    RAISE EXCEPTION 'the end of API key % stands: make a new one', OLD.key_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER api_keys_end_for_good BEFORE UPDATE ON api_keys
  FOR EACH ROW EXECUTE FUNCTION api_keys_end_for_good();

CREATE FUNCTION signing_secrets_end_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
    RAISE EXCEPTION 'signing secret % is revoked for good', OLD.secret_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER signing_secrets_end_for_good BEFORE UPDATE ON signing_secrets
  FOR EACH ROW EXECUTE FUNCTION signing_secrets_end_for_good();

-- What API processes notice about their installation, for `doctor`, which runs elsewhere.
CREATE TABLE api_notices (
  notice text PRIMARY KEY CHECK (notice IN ('untrusted_proxy')),
  noticed_at timestamptz NOT NULL
);

GRANT UPDATE (expires_at, last_used_at) ON api_keys TO arcadia_app;
GRANT SELECT, INSERT ON signing_secrets TO arcadia_app;
GRANT UPDATE (revoked_at) ON signing_secrets TO arcadia_app;
