-- Up Migration

-- Webhooks: endpoints with the event types that they subscribe to, and the outbox. The transaction that makes
-- an event true writes it to the outbox, so events that were rolled back are never sent. Delivery follows
-- (ADR 19).

CREATE TABLE webhook_endpoints (
  endpoint_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- As serialized by a URL parser: ASCII, without characters that a terminal or a log would interpret.
  url text NOT NULL CHECK (url ~ '^https?://[!-~]+$' AND length(url) <= 2000),
  label text,
  event_types text[] NOT NULL CHECK (cardinality(event_types) > 0 AND event_types <@
    ARRAY['adjustment_note.issued', 'invoice.issued', 'invoice.superseded', 'invoice.voided', 'invoice.paid',
      'invoice.overdue', 'invoice.released', 'review.waiting', 'run.finished', 'tenant.parked',
      'usage.threshold_reached']),
  -- Counts of all attempts ever made, because the log of attempts is pruned.
  delivered_attempts bigint NOT NULL DEFAULT 0,
  failed_attempts bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Final: to receive events again, register the URL as a new endpoint.
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
  -- Null: valid for as long as the endpoint.
  expires_at timestamptz
);
CREATE INDEX webhook_secrets_by_endpoint ON webhook_secrets (endpoint_id);

-- The outbox. `event_id` is the `webhook-id` of every attempt, and `data` is the data that is sent.
CREATE TABLE webhook_events (
  event_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  type text NOT NULL,
  -- Null for events that are not about a single tenant.
  tenant_id text REFERENCES tenants,
  data jsonb NOT NULL,
  occurred_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhook_events_by_time ON webhook_events (occurred_at);
CREATE INDEX webhook_events_by_tenant ON webhook_events (tenant_id, occurred_at) WHERE tenant_id IS NOT NULL;
CREATE INDEX webhook_events_by_type ON webhook_events (type, occurred_at);

-- One row per event and endpoint that subscribes to it.
CREATE TABLE webhook_deliveries (
  event_id uuid NOT NULL REFERENCES webhook_events ON DELETE CASCADE,
  endpoint_id uuid NOT NULL REFERENCES webhook_endpoints,
  -- dead: no more attempts, because the last one failed or the endpoint was disabled.
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
  -- Number of attempts started.
  attempts integer NOT NULL DEFAULT 0,
  -- While an attempt is under way: when it is presumed lost and another one may start.
  next_attempt_at timestamptz DEFAULT now(),
  settled_at timestamptz,
  PRIMARY KEY (event_id, endpoint_id),
  CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
  CHECK ((state = 'pending') = (settled_at IS NULL))
);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (endpoint_id, next_attempt_at)
  WHERE state = 'pending';
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (endpoint_id) WHERE state = 'dead';

-- Only deliveries to live endpoints are pending. Statements select live endpoints by their snapshot, so an
-- endpoint can be disabled between the select and the insert. The lock is held until the transaction ends; a
-- transaction that disables the endpoint waits for it and then marks the new deliveries dead.
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

-- The log of attempts.
CREATE TABLE webhook_attempts (
  attempt_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  attempt integer NOT NULL,
  attempted_at timestamptz NOT NULL,
  duration_ms integer NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('delivered', 'failed')),
  -- The HTTP status of the response. Null without a response.
  status integer,
  error text,
  -- The beginning of the response body.
  response text,
  FOREIGN KEY (event_id, endpoint_id) REFERENCES webhook_deliveries ON DELETE CASCADE
);
CREATE INDEX webhook_attempts_by_delivery ON webhook_attempts (event_id, endpoint_id, attempt_id);
CREATE INDEX webhook_attempts_by_endpoint ON webhook_attempts (endpoint_id, attempt_id);

-- The API registers and disables endpoints and schedules redeliveries. The worker delivers events. Both write them:
-- what the worker issues, and what operators do through the API.
-- Only the CLI deletes old events, which also deletes their deliveries and attempts.
GRANT SELECT ON webhook_endpoints, webhook_secrets, webhook_events, webhook_deliveries, webhook_attempts
  TO arcadia_api, arcadia_worker;
GRANT SELECT ON webhook_endpoints, webhook_events, webhook_deliveries, webhook_attempts TO arcadia_readonly;
GRANT INSERT (url, label, event_types), UPDATE (disabled_at, disabled_reason) ON webhook_endpoints
  TO arcadia_api;
GRANT UPDATE (delivered_attempts, failed_attempts, disabled_at, disabled_reason) ON webhook_endpoints
  TO arcadia_worker;
GRANT INSERT (endpoint_id), UPDATE (expires_at) ON webhook_secrets TO arcadia_api;
GRANT INSERT (type, tenant_id, data) ON webhook_events TO arcadia_api, arcadia_worker;
GRANT DELETE ON webhook_events TO arcadia_app;
GRANT INSERT (event_id, endpoint_id), UPDATE (state, attempts, next_attempt_at, settled_at)
  ON webhook_deliveries TO arcadia_api, arcadia_worker;
GRANT INSERT (event_id, endpoint_id, attempt, attempted_at, duration_ms, outcome, status, error, response)
  ON webhook_attempts TO arcadia_worker;
CALL isolate_tenants('webhook_events');
CALL isolate_tenants('webhook_deliveries', 'webhook_events', 'event_id');
CALL isolate_tenants('webhook_attempts', 'webhook_events', 'event_id');
