-- Up Migration

-- Telling others what happened. An event is written by the transaction that makes it true, so that there
-- is none for what was rolled back, and delivered afterwards. ADR 19.

-- Who wants to be told, and of what.
CREATE TABLE webhook_endpoints (
  endpoint_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- As a URL parser writes it: ASCII, and nothing in it that a terminal or a log would act on.
  url text NOT NULL CHECK (url ~ '^https?://[!-~]+$' AND length(url) <= 2000),
  label text,
  event_types text[] NOT NULL CHECK (cardinality(event_types) > 0 AND event_types <@
    ARRAY['invoice.issued', 'invoice.superseded', 'run.finished', 'tenant.parked']),
  -- Attempts of all time: the log of them is pruned.
  delivered_attempts bigint NOT NULL DEFAULT 0,
  failed_attempts bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- For good: who is to be told again is registered again.
  disabled_at timestamptz,
  disabled_reason text,
  CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
);
CREATE INDEX webhook_endpoints_live ON webhook_endpoints (endpoint_id) WHERE disabled_at IS NULL;

-- Secrets are derived from their ids (ADR 13). Two are live while one replaces the other.
CREATE TABLE webhook_secrets (
  secret_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  endpoint_id uuid NOT NULL REFERENCES webhook_endpoints,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Null: as long as the endpoint.
  expires_at timestamptz
);
CREATE INDEX webhook_secrets_by_endpoint ON webhook_secrets (endpoint_id);

-- The outbox. The id is the `webhook-id` of every attempt; the data is what is sent.
CREATE TABLE webhook_events (
  event_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  type text NOT NULL,
  -- Null where it is about no tenant alone.
  tenant_id text REFERENCES tenants,
  data jsonb NOT NULL,
  occurred_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhook_events_by_time ON webhook_events (occurred_at);

-- One for each endpoint that an event is for.
CREATE TABLE webhook_deliveries (
  event_id uuid NOT NULL REFERENCES webhook_events ON DELETE CASCADE,
  endpoint_id uuid NOT NULL REFERENCES webhook_endpoints,
  -- dead: given up, after the last attempt or because the endpoint was disabled.
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
  -- Attempts that were begun.
  attempts integer NOT NULL DEFAULT 0,
  -- While an attempt is under way: when another one may take it to be lost.
  next_attempt_at timestamptz DEFAULT now(),
  settled_at timestamptz,
  PRIMARY KEY (event_id, endpoint_id),
  CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
  CHECK ((state = 'pending') = (settled_at IS NULL))
);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (endpoint_id, next_attempt_at)
  WHERE state = 'pending';
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (endpoint_id) WHERE state = 'dead';

-- A delivery is pending for a live endpoint only. Statements pick live endpoints by their snapshot, so one
-- can be disabled between that and the insert. The lock lasts until the transaction ends: who disables an
-- endpoint waits for it, and then gives up what was written.
CREATE FUNCTION webhook_deliveries_of_disabled_are_dead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM webhook_endpoints
    WHERE endpoint_id = NEW.endpoint_id AND disabled_at IS NULL FOR KEY SHARE;
  IF NOT FOUND THEN
    NEW.state := 'dead';
    NEW.next_attempt_at := NULL;
    NEW.settled_at := now();
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER webhook_deliveries_for_live BEFORE INSERT ON webhook_deliveries
  FOR EACH ROW WHEN (NEW.state = 'pending')
  EXECUTE FUNCTION webhook_deliveries_of_disabled_are_dead();
CREATE TRIGGER webhook_deliveries_again_for_live BEFORE UPDATE OF state ON webhook_deliveries
  FOR EACH ROW WHEN (NEW.state = 'pending' AND OLD.state <> 'pending')
  EXECUTE FUNCTION webhook_deliveries_of_disabled_are_dead();

-- The log.
CREATE TABLE webhook_attempts (
  attempt_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  attempt integer NOT NULL,
  attempted_at timestamptz NOT NULL,
  duration_ms integer NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('delivered', 'failed')),
  -- Of the answer; null where there was none.
  status integer,
  error text,
  -- The beginning of the answer's body.
  response text,
  FOREIGN KEY (event_id, endpoint_id) REFERENCES webhook_deliveries ON DELETE CASCADE
);
CREATE INDEX webhook_attempts_by_delivery ON webhook_attempts (event_id, endpoint_id);
CREATE INDEX webhook_attempts_by_endpoint ON webhook_attempts (endpoint_id, attempt_id);

-- The API registers endpoints, ends them, and has events delivered again; the worker writes events and
-- delivers them. Only the CLI deletes old ones, which takes their deliveries and attempts along.
GRANT SELECT ON webhook_endpoints, webhook_secrets, webhook_events, webhook_deliveries, webhook_attempts
  TO arcadia_api, arcadia_worker;
GRANT SELECT ON webhook_endpoints, webhook_events, webhook_deliveries, webhook_attempts TO arcadia_readonly;
GRANT INSERT (url, label, event_types), UPDATE (disabled_at, disabled_reason) ON webhook_endpoints
  TO arcadia_api;
GRANT UPDATE (delivered_attempts, failed_attempts, disabled_at, disabled_reason) ON webhook_endpoints
  TO arcadia_worker;
GRANT INSERT (endpoint_id), UPDATE (expires_at) ON webhook_secrets TO arcadia_api;
GRANT INSERT (type, tenant_id, data) ON webhook_events TO arcadia_worker;
GRANT DELETE ON webhook_events TO arcadia_app;
GRANT INSERT (event_id, endpoint_id), UPDATE (state, attempts, next_attempt_at, settled_at)
  ON webhook_deliveries TO arcadia_api, arcadia_worker;
GRANT INSERT (event_id, endpoint_id, attempt, attempted_at, duration_ms, outcome, status, error, response)
  ON webhook_attempts TO arcadia_worker;

CALL isolate_tenants('webhook_events');
CALL isolate_tenants('webhook_deliveries', 'webhook_events', 'event_id');
CALL isolate_tenants('webhook_attempts', 'webhook_events', 'event_id');
