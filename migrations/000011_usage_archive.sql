-- Up Migration

-- The archive: events of months that were closed long ago move out of the tables that ingestion writes to, into
-- one partition per month. Their ids stay known, so an id counts once, forever (docs/spec.md#usage, ADR 16).

-- Holds only the partitions. Queries read them through the tables below, whose rights and policies apply.
CREATE SCHEMA usage_archive;

CREATE TABLE llm_usage_archive (LIKE llm_usage_events INCLUDING CONSTRAINTS)
  PARTITION BY RANGE (service_month);
CREATE INDEX llm_usage_archive_in_bucket
  ON llm_usage_archive (bucket_id, gateway_request_id COLLATE "C");
CREATE TABLE metered_usage_archive (LIKE metered_usage_records INCLUDING CONSTRAINTS)
  PARTITION BY RANGE (service_month);
CREATE INDEX metered_usage_archive_in_bucket
  ON metered_usage_archive (bucket_id, record_id COLLATE "C");

-- An id is always in one of two places: here, or with its event in the table that ingestion writes to. The
-- bucket id leads to the event for as long as the event is kept.
CREATE TABLE archived_usage_ids (
  source text NOT NULL CHECK (source IN ('llm', 'metered')),
  id text NOT NULL,
  content_hash bytea NOT NULL,
  bucket_id bigint NOT NULL,
  PRIMARY KEY (source, id)
);

-- The events moved for each service month and, once they have been deleted, their digest.
CREATE TABLE usage_archives (
  service_month month_start NOT NULL,
  source text NOT NULL CHECK (source IN ('llm', 'metered')),
  events bigint NOT NULL CHECK (events >= 0),
  -- A checksum: exact cents, or the quantities of all kinds added together.
  total numeric NOT NULL,
  archived_at timestamptz NOT NULL DEFAULT now(),
  expired_at timestamptz,
  -- SHA-256 over one digest per bucket, ordered by bucket. A bucket's digest is the SHA-256 over the content
  -- hashes of its events, ordered by id.
  digest bytea CHECK (length(digest) = 32),
  PRIMARY KEY (service_month, source),
  CHECK ((expired_at IS NULL) = (digest IS NULL))
);

-- The archive is append-only too. Only whole partitions can be dropped.
CREATE TRIGGER llm_usage_archive_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON llm_usage_archive
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER metered_usage_archive_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON metered_usage_archive
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER archived_usage_ids_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON archived_usage_ids
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER usage_archives_are_kept BEFORE DELETE OR TRUNCATE ON usage_archives
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Events are append-only for every role: an event can be deleted only if the archive has it and its id is
-- known. (The subqueries look up each event by an index, whatever the planner estimates.)
CREATE FUNCTION llm_usage_events_are_archived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM gone g WHERE (
      SELECT ROW(a.*) IS NOT DISTINCT FROM ROW(g.*)
      FROM llm_usage_archive a
      WHERE a.service_month = g.service_month AND a.bucket_id = g.bucket_id
        AND a.gateway_request_id COLLATE "C" = g.gateway_request_id COLLATE "C"
      LIMIT 1
    ) IS NOT TRUE OR (
      SELECT k.content_hash = g.content_hash AND k.bucket_id = g.bucket_id
      FROM archived_usage_ids k WHERE k.source = 'llm' AND k.id = g.gateway_request_id
    ) IS NOT TRUE
  ) THEN
    RAISE EXCEPTION 'llm_usage_events is append-only: only archived rows can be deleted'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION metered_usage_records_are_archived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM gone g WHERE (
      SELECT ROW(a.*) IS NOT DISTINCT FROM ROW(g.*)
      FROM metered_usage_archive a
      WHERE a.service_month = g.service_month AND a.bucket_id = g.bucket_id
        AND a.record_id COLLATE "C" = g.record_id COLLATE "C"
      LIMIT 1
    ) IS NOT TRUE OR (
      SELECT k.content_hash = g.content_hash AND k.bucket_id = g.bucket_id
      FROM archived_usage_ids k WHERE k.source = 'metered' AND k.id = g.record_id
    ) IS NOT TRUE
  ) THEN
    RAISE EXCEPTION 'metered_usage_records is append-only: only archived rows can be deleted'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER llm_usage_events_are_archived AFTER DELETE ON llm_usage_events
  REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION llm_usage_events_are_archived();
CREATE TRIGGER metered_usage_records_are_archived AFTER DELETE ON metered_usage_records
  REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION metered_usage_records_are_archived();

-- Returns why the events of a month can't be archived; null if they can. The last three full months are never
-- archived, because corrections and late usage still arrive for them.
CREATE FUNCTION why_not_archived(month month_start) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN month >= billing_month(now()) - interval '3 months'
      THEN 'is not older than three full months'
    WHEN NOT EXISTS (SELECT FROM month_end_requests WHERE period_start = month AND state = 'finished')
      THEN 'was never closed'
    WHEN EXISTS (SELECT FROM month_end_requests WHERE period_start = month AND state <> 'finished')
      OR EXISTS (SELECT FROM invoice_drafts WHERE period_start = month AND state = 'open')
      THEN 'is being worked on'
    WHEN EXISTS (SELECT FROM usage_archives WHERE service_month = month AND expired_at IS NOT NULL)
      THEN 'has expired'
  END
$$;

-- Creates the partition of a month unless it exists. It is attached rather than created in place, so readers of
-- other months do not have to wait.
CREATE FUNCTION ensure_archive_partition(archive text, month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  part text := format('%s_%s', archive, to_char(month, 'YYYY_MM'));
BEGIN
  IF to_regclass(format('usage_archive.%I', part)) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TABLE usage_archive.%I (LIKE public.%I INCLUDING ALL, CHECK (service_month = %L))',
    part, archive, month);
  EXECUTE format('CREATE TRIGGER is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON usage_archive.%I
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change()', part);
  EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION usage_archive.%I FOR VALUES FROM (%L) TO (%L)',
    archive, part, month, (month + interval '1 month')::date);
END $$;

-- Adds moved events to the record of their month. Raises an error unless all events that were taken have
-- arrived.
CREATE FUNCTION note_archived(
  month date, source text, taken bigint, taken_total numeric,
  arrived bigint, arrived_total numeric, known bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF (taken, taken_total, taken) IS DISTINCT FROM (arrived, arrived_total, known) THEN
    RAISE EXCEPTION '% % events were removed, % archived, % are counted', taken, source, arrived, known
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  INSERT INTO usage_archives AS a (service_month, source, events, total)
  VALUES (month, source, taken, taken_total)
  ON CONFLICT ON CONSTRAINT usage_archives_pkey
    DO UPDATE SET events = a.events + excluded.events, total = a.total + excluded.total, archived_at = now()
    WHERE excluded.events > 0;
END $$;

-- Moves the next events of a closed month to the archive, in the caller's transaction: whole deployments,
-- ordered by (tenant, deployment), up to about `max_events`. This is the only way into the archive, and the
-- caller needs no right to delete events. Call it until it returns no cursor. Calling it again is safe and
-- moves what has not been moved yet.
--
-- Only events received more than a day ago are moved. If an ingestion found an id unknown just before another
-- one inserted it, it has ended by then and can't insert the id a second time. A metered record is not moved
-- while its deployment, kind and month have a younger one: corrections move together with the records that they
-- correct.
CREATE FUNCTION archive_usage(
  month month_start, after_tenant text, after_deployment text, max_events integer,
  -- The cursor for the next call. Null: everything has been moved.
  OUT last_tenant text, OUT last_deployment text,
  OUT llm_events bigint, OUT metered_events bigint
) LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '10s' AS $$
DECLARE
  refusal text := why_not_archived(month);
  old_enough CONSTANT timestamptz := now() - interval '1 day';
  picked record;
  counted bigint := 0;
  batch bigint[] := '{}';
  settled bigint[];
  due tid[];
  moved record;
  wrong record;
BEGIN
  IF refusal IS NOT NULL THEN
    RAISE EXCEPTION '% %', to_char(month, 'YYYY-MM'), refusal USING ERRCODE = 'restrict_violation';
  END IF;
  IF NOT pg_try_advisory_xact_lock(hashtextextended('usage_archives', 0)) THEN
    RAISE EXCEPTION 'another archiving is under way' USING ERRCODE = 'restrict_violation';
  END IF;
  PERFORM ensure_archive_partition('llm_usage_archive', month);
  PERFORM ensure_archive_partition('metered_usage_archive', month);

  FOR picked IN
    SELECT b.tenant_id, b.deployment_id, sum(b.event_count) AS events, array_agg(b.bucket_id) AS ids
    FROM usage_buckets b
    WHERE b.service_month = month AND (b.tenant_id, b.deployment_id) > (after_tenant, after_deployment)
    GROUP BY b.tenant_id, b.deployment_id ORDER BY b.tenant_id, b.deployment_id LIMIT 1000
  LOOP
    batch := batch || picked.ids;
    counted := counted + picked.events;
    last_tenant := picked.tenant_id;
    last_deployment := picked.deployment_id;
    EXIT WHEN counted >= max_events;
  END LOOP;

  due := ARRAY(
    SELECT e.place FROM unnest(batch) AS bucket (id) CROSS JOIN LATERAL (
      SELECT e.ctid AS place FROM llm_usage_events e
      WHERE e.bucket_id = bucket.id AND e.received_at < old_enough LIMIT max_events
    ) e LIMIT max_events
  );
  WITH gone AS (
    DELETE FROM llm_usage_events e WHERE e.ctid = ANY(due) RETURNING e.*
  ), kept AS (
    INSERT INTO llm_usage_archive (gateway_request_id, tenant_id, deployment_id, model, occurred_at,
      service_month, charge_cents, currency, input_tokens, output_tokens, attributes, content_hash, bucket_id,
      received_at)
    SELECT gateway_request_id, tenant_id, deployment_id, model, occurred_at, service_month,
      charge_cents, currency, input_tokens, output_tokens, attributes, content_hash, bucket_id, received_at
    FROM gone RETURNING charge_cents
  ), known AS (
    INSERT INTO archived_usage_ids (source, id, content_hash, bucket_id)
    SELECT 'llm', gateway_request_id, content_hash, bucket_id FROM gone RETURNING id
  )
  SELECT g.n, g.total, k.n AS n_kept, k.total AS total_kept, (SELECT count(*) FROM known) AS n_known
  INTO moved
  FROM (SELECT count(*) AS n, coalesce(sum(charge_cents), 0) AS total FROM gone) g,
    (SELECT count(*) AS n, coalesce(sum(charge_cents), 0) AS total FROM kept) k;
  PERFORM note_archived(month, 'llm', moved.n, moved.total, moved.n_kept, moved.total_kept, moved.n_known);
  llm_events := moved.n;
  -- The next call continues a deployment that has more events than `max_events`.
  IF llm_events = max_events THEN
    last_tenant := after_tenant;
    last_deployment := after_deployment;
  END IF;

  SELECT array_agg(b.bucket_id) INTO settled FROM (
    SELECT b.bucket_id, bool_or(EXISTS (
      SELECT FROM metered_usage_records r
      WHERE r.bucket_id = b.bucket_id AND r.received_at >= old_enough
    )) OVER (PARTITION BY b.deployment_id, b.resource_kind) AS is_young
    FROM usage_buckets b WHERE b.bucket_id = ANY(batch) AND b.source = 'metered'
  ) b WHERE NOT b.is_young;
  due := ARRAY(
    SELECT r.place FROM unnest(settled) AS bucket (id) CROSS JOIN LATERAL (
      SELECT r.ctid AS place FROM metered_usage_records r WHERE r.bucket_id = bucket.id
    ) r
  );
  WITH gone AS (
    DELETE FROM metered_usage_records r WHERE r.ctid = ANY(due) RETURNING r.*
  ), kept AS (
    INSERT INTO metered_usage_archive (record_id, tenant_id, deployment_id, resource_kind, occurred_at,
      service_month, qty, added_qty, replaces, content_hash, bucket_id, received_at)
    SELECT record_id, tenant_id, deployment_id, resource_kind, occurred_at, service_month, qty,
      added_qty, replaces, content_hash, bucket_id, received_at
    FROM gone RETURNING added_qty
  ), known AS (
    INSERT INTO archived_usage_ids (source, id, content_hash, bucket_id)
    SELECT 'metered', record_id, content_hash, bucket_id FROM gone RETURNING id
  )
  SELECT g.n, g.total, k.n AS n_kept, k.total AS total_kept, (SELECT count(*) FROM known) AS n_known
  INTO moved
  FROM (SELECT count(*) AS n, coalesce(sum(added_qty), 0) AS total FROM gone) g,
    (SELECT count(*) AS n, coalesce(sum(added_qty), 0) AS total FROM kept) k;
  PERFORM note_archived(month, 'metered', moved.n, moved.total, moved.n_kept, moved.total_kept, moved.n_known);
  metered_events := moved.n;

  -- Each bucket that is now completely in the archive must still match its event count and total.
  SELECT b.bucket_id, b.event_count, trim_scale(b.total) AS total, kept.n, trim_scale(kept.total) AS kept_total
  INTO wrong
  FROM unnest(batch) AS bucket (id) JOIN usage_buckets b ON b.bucket_id = bucket.id
  CROSS JOIN LATERAL (
    SELECT count(*) AS n, coalesce(sum(e.amount), 0) AS total FROM (
      SELECT charge_cents AS amount FROM llm_usage_archive
      WHERE service_month = month AND bucket_id = b.bucket_id
      UNION ALL
      SELECT added_qty FROM metered_usage_archive WHERE service_month = month AND bucket_id = b.bucket_id
    ) e
  ) kept
  WHERE NOT EXISTS (SELECT FROM llm_usage_events WHERE bucket_id = b.bucket_id)
    AND NOT EXISTS (SELECT FROM metered_usage_records WHERE bucket_id = b.bucket_id)
    AND (kept.n, kept.total) IS DISTINCT FROM (b.event_count, b.total)
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'bucket % counts % events, sum %; the archive has %, sum %: verify the month',
        wrong.bucket_id, wrong.event_count, wrong.total, wrong.n, wrong.kept_total
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
END $$;

-- By default, every role can call a function.
REVOKE ALL ON FUNCTION ensure_archive_partition, note_archived, archive_usage FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archive_usage TO arcadia_app;

GRANT SELECT ON llm_usage_archive, metered_usage_archive TO arcadia_api, arcadia_readonly, arcadia_tenant;
GRANT SELECT ON archived_usage_ids, usage_archives TO arcadia_api, arcadia_readonly;
-- A tenant may know that events were deleted, but not the number of events of all tenants.
GRANT SELECT (service_month, source, expired_at) ON usage_archives TO arcadia_tenant;
CALL isolate_tenants('llm_usage_archive');
CALL isolate_tenants('metered_usage_archive');
