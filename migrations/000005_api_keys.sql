-- Up Migration

-- Only the SHA-256 of a key is kept: a key is 256 random bits, so a fast hash
-- is enough, and a leaked table opens nothing.
CREATE TABLE api_keys (
  key_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  key_hash bytea NOT NULL UNIQUE CHECK (length(key_hash) = 32),
  scope text NOT NULL CHECK (scope IN ('gateway', 'metering', 'operator', 'tenant')),
  tenant_id external_id REFERENCES tenants,
  -- Goes into requests and logs as the name of whoever asked.
  label text NOT NULL CHECK (label ~ '^[^[:cntrl:]]{1,100}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  CHECK ((scope = 'tenant') = (tenant_id IS NOT NULL))
);
