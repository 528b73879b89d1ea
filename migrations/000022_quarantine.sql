-- Up Migration

-- Events that a gateway sent through an integration that is always answered with success, and that the ledger could
-- not take (docs/spec.md#quarantine). They wait here with the reason until they are released into the ledger or
-- dismissed.
CREATE TABLE quarantined_events (
  quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- The event's id in the ledger, or `sha256:` and the digest of its text if it has none.
  source_id text NOT NULL,
  -- SHA-256 of `fields`. With `source_id` it makes resends add nothing.
  content_hash bytea NOT NULL CHECK (length(content_hash) = 32),
  gateway_key_id uuid REFERENCES api_keys,
  received_at timestamptz NOT NULL DEFAULT now(),
  -- Why it is held now. Changes if a release fails for another reason.
  reason text NOT NULL CHECK (reason IN ('unknown_tenant', 'unknown_deployment', 'wrong_currency', 'malformed',
    'conflict', 'unpriced_model', 'too_old', 'too_early')),
  -- The reason in a sentence.
  detail text NOT NULL,
  -- The fields of an LLM usage event, as far as they could be read; a release sends them to the ledger.
  fields jsonb NOT NULL CHECK (jsonb_typeof(fields) = 'object'),
  -- Copied from `fields` where they are valid, for lists and sums. The tenant and the deployment may not exist.
  tenant_id text,
  deployment_id text,
  model text,
  occurred_at timestamptz,
  charge_cents numeric(24, 12) CHECK (charge_cents >= 0 AND charge_cents < 'Infinity'),
  currency text,
  state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'released', 'dismissed')),
  -- The ids and the currency that an operator released it with, where they differ from its own.
  assigned jsonb CHECK (jsonb_typeof(assigned) = 'object'),
  -- `key:<label>`, `cli:<user>`, or `sweep` if it was released because its cause was fixed.
  actor text,
  decision_reason text,
  decided_at timestamptz,
  UNIQUE (source_id, content_hash),
  CHECK ((state = 'held') = (decided_at IS NULL)),
  CHECK (num_nulls(actor, decision_reason, decided_at) IN (0, 3)),
  CHECK (assigned IS NULL OR state = 'released')
);
CREATE INDEX quarantined_events_by_tenant ON quarantined_events (tenant_id, quarantine_id);
-- Held events are few, whatever was ever held: for releases, counts, and the tenants and deployments that are awaited.
CREATE INDEX quarantined_events_held ON quarantined_events (quarantine_id) INCLUDE (reason, tenant_id)
  WHERE state = 'held';
CREATE INDEX quarantined_events_awaiting ON quarantined_events (deployment_id, tenant_id)
  WHERE state = 'held' AND reason IN ('unknown_tenant', 'unknown_deployment');
-- An event without a readable time counts for the month in which it was received.
CREATE INDEX quarantined_events_held_by_time ON quarantined_events (coalesce(occurred_at, received_at))
  WHERE state = 'held';

-- What was received never changes, and a decision is made once.
CREATE FUNCTION quarantined_events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changing CONSTANT text[] := '{reason,detail,state,assigned,actor,decision_reason,decided_at}';
BEGIN
  IF OLD.state <> 'held' OR (to_jsonb(NEW) - changing) IS DISTINCT FROM (to_jsonb(OLD) - changing) THEN
    RAISE EXCEPTION 'quarantined event % stays as it is: it can only be released or dismissed, once',
        OLD.quarantine_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER quarantined_events_stay BEFORE UPDATE ON quarantined_events
  FOR EACH ROW EXECUTE FUNCTION quarantined_events_stay();
CREATE TRIGGER quarantined_events_are_kept BEFORE DELETE OR TRUNCATE ON quarantined_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The worker may not store usage. Through the two functions below, which run with their owner's rights, its sweep can
-- release events whose cause was fixed, exactly as they were sent, and nothing else. The API, which stores usage, doesn't
-- need them.

-- A held event whose bucket the caller has locked.
CREATE TYPE located_held_event AS (
  quarantine_id bigint,
  id text,
  tenant_id text,
  deployment_id text,
  model text,
  occurred_at timestamptz,
  service_month date,
  charge_cents numeric,
  currency text,
  input_tokens bigint,
  output_tokens bigint,
  -- JSON text of an object; null if there are none.
  attributes text,
  content_hash text,
  bucket_id bigint
);

-- Stores held events with new ids in the ledger, as `insertLlmEvents` does, and returns these ids. A tenant or deployment
-- that didn't exist does by now, or the time has come: whatever else held an event, an operator decides.
CREATE FUNCTION store_held_usage(entries json) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  given CONSTANT located_held_event[] := ARRAY(
    SELECT e FROM json_populate_recordset(NULL::located_held_event, entries) e
  );
BEGIN
  IF EXISTS (
    SELECT FROM unnest(given) e WHERE NOT EXISTS (
      SELECT FROM quarantined_events q
      JOIN usage_buckets b ON b.bucket_id = e.bucket_id AND b.sealed_for IS NULL AND b.source = 'llm'
        AND b.tenant_id = e.tenant_id AND b.deployment_id = e.deployment_id
        AND b.service_month = e.service_month AND b.model IN (e.model, '')
      JOIN tenants t ON t.tenant_id = e.tenant_id AND t.currency = e.currency
      WHERE q.quarantine_id = e.quarantine_id AND q.state = 'held'
        AND q.reason IN ('unknown_tenant', 'unknown_deployment', 'too_early')
        AND (q.tenant_id, q.deployment_id, q.model) = (e.tenant_id, e.deployment_id, e.model)
        AND coalesce(q.currency, t.currency) = t.currency
        AND q.fields ->> 'gateway_request_id' = e.id AND q.charge_cents = e.charge_cents
        AND q.occurred_at = e.occurred_at AND billing_month(e.occurred_at) = e.service_month
    )
  ) THEN
    RAISE EXCEPTION 'only usage whose cause was fixed can be released, as it was sent'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN QUERY
  WITH arrived AS (
    INSERT INTO llm_usage_events (gateway_request_id, tenant_id, deployment_id, model, occurred_at, service_month,
      charge_cents, currency, input_tokens, output_tokens, attributes, content_hash, bucket_id)
    SELECT id, tenant_id, deployment_id, model, occurred_at, service_month, charge_cents, currency, input_tokens,
      output_tokens, attributes::jsonb, decode(content_hash, 'hex'), bucket_id
    FROM unnest(given) ORDER BY id
    ON CONFLICT (gateway_request_id) DO NOTHING
    RETURNING gateway_request_id, bucket_id, charge_cents
  ), added AS (
    UPDATE usage_buckets b
    SET event_count = b.event_count + sums.events, total = b.total + sums.total
    FROM (
      SELECT bucket_id, count(*) AS events, sum(charge_cents) AS total FROM arrived GROUP BY bucket_id
    ) sums
    WHERE b.bucket_id = sums.bucket_id
  )
  SELECT gateway_request_id FROM arrived;
END $$;

-- Ends the quarantine of held events that are in the ledger with the given content: because they have just been stored, or
-- because they were sent again and accepted before.
CREATE FUNCTION end_quarantine(entries json) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  UPDATE quarantined_events q
  SET state = 'released', actor = 'sweep', decision_reason = 'its cause was fixed', decided_at = now()
  FROM json_to_recordset(entries) AS e (quarantine_id bigint, id text, content_hash text)
  WHERE q.quarantine_id = e.quarantine_id AND q.state = 'held' AND q.fields ->> 'gateway_request_id' = e.id
    AND q.reason IN ('unknown_tenant', 'unknown_deployment', 'too_early')
    AND (
      EXISTS (
        SELECT FROM llm_usage_events s
        WHERE s.gateway_request_id = e.id AND s.content_hash = decode(e.content_hash, 'hex')
      ) OR EXISTS (
        SELECT FROM archived_usage_ids s
        WHERE s.source = 'llm' AND s.id = e.id AND s.content_hash = decode(e.content_hash, 'hex')
      )
    )
$$;

-- The API holds and dismisses events. Both processes release them, and record why some are still held. For that, the worker
-- opens buckets, and reads which ids and contents are known.
GRANT SELECT ON quarantined_events TO arcadia_api, arcadia_worker, arcadia_readonly;
GRANT INSERT (source_id, content_hash, gateway_key_id, reason, detail, fields, tenant_id, deployment_id, model, occurred_at,
  charge_cents, currency) ON quarantined_events TO arcadia_api;
GRANT UPDATE (reason, detail, state, assigned, actor, decision_reason, decided_at) ON quarantined_events
  TO arcadia_api;
GRANT UPDATE (reason, detail) ON quarantined_events TO arcadia_worker;
GRANT INSERT (source, tenant_id, deployment_id, resource_kind, service_month, model) ON usage_buckets
  TO arcadia_worker;
GRANT SELECT (gateway_request_id, content_hash) ON llm_usage_events TO arcadia_worker;
GRANT SELECT ON archived_usage_ids, usage_archives, deployments TO arcadia_worker;
-- By default, every role can call a function.
REVOKE ALL ON FUNCTION store_held_usage, end_quarantine FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store_held_usage, end_quarantine TO arcadia_worker;
CALL isolate_tenants('quarantined_events');
