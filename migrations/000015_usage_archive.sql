-- Up Migration

-- Events of months that are long closed move out of the way of those that come in, a month to a
-- partition, and whole months of them end when the law no longer asks for them. Their ids stay: what
-- was accepted is a duplicate for ever. ADR 16.

-- Partitions are nobody's business: who may read the tables below reads through them.
CREATE SCHEMA usage_archive;

CREATE TABLE llm_usage_archive (LIKE llm_usage_events INCLUDING CONSTRAINTS)
  PARTITION BY RANGE (service_month);
CREATE INDEX llm_usage_archive_in_bucket
  ON llm_usage_archive (bucket_id, gateway_request_id COLLATE "C");
CREATE TABLE metered_usage_archive (LIKE metered_usage_records INCLUDING CONSTRAINTS)
  PARTITION BY RANGE (service_month);
CREATE INDEX metered_usage_archive_in_bucket
  ON metered_usage_archive (bucket_id, record_id COLLATE "C");

-- An id is always in one of two places: here, or with its event in the table that is written to. The
-- bucket leads to the event, for as long as there is one.
CREATE TABLE archived_usage_ids (
  source text NOT NULL CHECK (source IN ('llm', 'metered')),
  id text NOT NULL,
  content_hash bytea NOT NULL,
  bucket_id bigint NOT NULL,
  PRIMARY KEY (source, id)
);

-- What of a service month was moved; and, once its events are gone, what they were.
CREATE TABLE usage_archives (
  service_month month_start NOT NULL,
  source text NOT NULL CHECK (source IN ('llm', 'metered')),
  events bigint NOT NULL CHECK (events >= 0),
  -- Exact cents, or quantities of all kinds together: a check sum.
  total numeric NOT NULL,
  archived_at timestamptz NOT NULL DEFAULT now(),
  expired_at timestamptz,
  -- SHA-256 over a digest per bucket, in the order of the buckets: of each, over the content hashes of
  -- its events, in the order of their ids.
  digest bytea CHECK (length(digest) = 32),
  PRIMARY KEY (service_month, source),
  CHECK ((expired_at IS NULL) = (digest IS NULL))
);

-- Nothing is changed in the archive either, nor by hand deleted; a partition is dropped as a whole.
CREATE TRIGGER llm_usage_archive_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON llm_usage_archive
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER metered_usage_archive_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON metered_usage_archive
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER archived_usage_ids_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON archived_usage_ids
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER usage_archives_are_kept BEFORE DELETE OR TRUNCATE ON usage_archives
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION usage_archives_end_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.expired_at IS NOT NULL THEN
    RAISE EXCEPTION 'the % events of % have expired', OLD.source, to_char(OLD.service_month, 'YYYY-MM')
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER usage_archives_end_once BEFORE UPDATE ON usage_archives
  FOR EACH ROW EXECUTE FUNCTION usage_archives_end_once();

-- Events stay append-only, for whoever it is: only what is in the archive, and known by its id, can be
-- deleted. (A look for each event, by an index, whatever the planner thinks of the table.)
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
    RAISE EXCEPTION 'llm_usage_events is append-only: DELETE of what is not in the archive refused'
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
    RAISE EXCEPTION 'metered_usage_records is append-only: DELETE of what is not in the archive refused'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
DROP TRIGGER llm_usage_events_are_kept ON llm_usage_events;
CREATE TRIGGER llm_usage_events_are_kept BEFORE UPDATE OR TRUNCATE ON llm_usage_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER llm_usage_events_are_archived AFTER DELETE ON llm_usage_events
  REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION llm_usage_events_are_archived();
DROP TRIGGER metered_usage_records_are_kept ON metered_usage_records;
CREATE TRIGGER metered_usage_records_are_kept BEFORE UPDATE OR TRUNCATE ON metered_usage_records
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER metered_usage_records_are_archived AFTER DELETE ON metered_usage_records
  REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION metered_usage_records_are_archived();

-- A month's archiving leaves a thirteenth of the table dead, which the default (a fifth) would let lie.
ALTER TABLE llm_usage_events SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE metered_usage_records SET (autovacuum_vacuum_scale_factor = 0.05);

-- Why the events of a month stay where they are; null where they may move. Three full months stay hot
-- whatever anybody asks for: corrections and late usage still come for them.
CREATE FUNCTION why_not_archived(month month_start) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN month >= date_trunc('month', now() AT TIME ZONE 'UTC') - interval '3 months'
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

-- The partition of a month, made where it isn't there yet. Attached, not created in place: readers of the
-- other months needn't wait.
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

-- Adds to a month's record what was taken, all of which has to have arrived.
CREATE FUNCTION note_archived(
  month date, source text, taken bigint, taken_total numeric,
  arrived bigint, arrived_total numeric, known bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF (taken, taken_total, taken) IS DISTINCT FROM (arrived, arrived_total, known) THEN
    RAISE EXCEPTION '% % events were taken, % arrived, % are known', taken, source, arrived, known
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  INSERT INTO usage_archives AS a (service_month, source, events, total)
  VALUES (month, source, taken, taken_total)
  ON CONFLICT ON CONSTRAINT usage_archives_pkey
    DO UPDATE SET events = a.events + excluded.events, total = a.total + excluded.total, archived_at = now()
    WHERE excluded.events > 0;
END $$;

-- Moves the next events of a closed month, those of whole deployments, up to about `max_events`, in the
-- order of (tenant, deployment), in the transaction of the caller. The only door into the archive:
-- whoever may call it can delete nothing by other means. Call it until it returns no cursor; it may be
-- called again at any time, and moves what has not been moved.
--
-- Only what was received more than a day ago moves. An ingestion that read an id as unknown, before it
-- was inserted by another one, is long over by then: it can't insert it a second time. And no metered
-- record moves while one of its deployment, kind and month is that young: corrections go with what they
-- correct.
CREATE FUNCTION archive_usage(
  month month_start, after_tenant text, after_deployment text, max_events integer,
  -- The cursor for the next call; null: that was all.
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
      service_month, charge_cents, currency, input_tokens, output_tokens, content_hash, bucket_id,
      received_at)
    SELECT gateway_request_id, tenant_id, deployment_id, model, occurred_at, service_month,
      charge_cents, currency, input_tokens, output_tokens, content_hash, bucket_id, received_at
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
  -- One with more events than that is come back to.
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

  -- Each bucket that is in the archive as a whole still comes to what it came to.
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
    RAISE EXCEPTION 'bucket % says % events, %; its events are %, %: verify the month',
        wrong.bucket_id, wrong.event_count, wrong.total, wrong.n, wrong.kept_total
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
END $$;

-- The lock that keeps a month's usage from being stored and from expiring at the same time.
CREATE FUNCTION expiry_lock(month date) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended('usage of ' || month::text, 0)
$$;

-- Those of the service months whose usage has expired, or is about to in another transaction: they take
-- no more. The others can't expire before the caller's transaction ends. Called once for each group of
-- usage, so months that are too young to expire (`expire_usage`: 12 full months; one more, since the
-- month may change meanwhile) cost next to nothing.
CREATE FUNCTION expired_months(months date[]) RETURNS date[] LANGUAGE plpgsql AS $$
DECLARE
  old_months CONSTANT date[] := ARRAY(
    SELECT month FROM unnest(months) AS given (month)
    WHERE month < date_trunc('month', now() AT TIME ZONE 'UTC') - interval '11 months'
  );
  expiring date[];
BEGIN
  IF old_months = '{}' THEN
    RETURN '{}';
  END IF;
  expiring := ARRAY(
    SELECT month FROM unnest(old_months) AS old (month)
    WHERE NOT pg_try_advisory_xact_lock_shared(expiry_lock(month))
  );
  -- A statement of its own: it sees what has expired before the locks were taken.
  RETURN expiring || ARRAY(
    SELECT service_month FROM usage_archives
    WHERE service_month = ANY(old_months) AND expired_at IS NOT NULL
  );
END $$;

-- Drops the archived events of a month that is older than `months_kept` full months (a year at the
-- least), of both sources, after it has recorded what they were. Their ids, the buckets and the invoices
-- stay. Nothing where they have expired before.
CREATE FUNCTION expire_usage(
  month month_start, months_kept integer,
  OUT source text, OUT events bigint, OUT total numeric, OUT digest bytea
) RETURNS SETOF record LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '10s' AS $$
DECLARE
  archived record;
  part text;
BEGIN
  IF month >= date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => greatest(months_kept, 12)) THEN
    RAISE EXCEPTION '% is not older than % full months', to_char(month, 'YYYY-MM'), greatest(months_kept, 12)
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NOT pg_try_advisory_xact_lock(hashtextextended('usage_archives', 0)) THEN
    RAISE EXCEPTION 'another archiving is under way' USING ERRCODE = 'restrict_violation';
  END IF;
  -- Waits for usage of the month that is being stored, and refuses more of it from here on.
  PERFORM pg_advisory_xact_lock(expiry_lock(month));
  IF EXISTS (
    SELECT FROM usage_buckets b WHERE b.service_month = month AND (
      EXISTS (SELECT FROM llm_usage_events e WHERE e.bucket_id = b.bucket_id)
      OR EXISTS (SELECT FROM metered_usage_records r WHERE r.bucket_id = b.bucket_id))
  ) THEN
    RAISE EXCEPTION '% has events that are not archived', to_char(month, 'YYYY-MM')
      USING ERRCODE = 'restrict_violation';
  END IF;
  FOR archived IN
    SELECT * FROM usage_archives a WHERE a.service_month = month AND a.expired_at IS NULL ORDER BY a.source
  LOOP
    source := archived.source;
    part := CASE source WHEN 'llm' THEN 'llm_usage_archive' ELSE 'metered_usage_archive' END;
    IF source = 'llm' THEN
      SELECT coalesce(sum(b.n), 0), coalesce(sum(b.amount), 0),
        sha256(coalesce(string_agg(b.digest, ''::bytea ORDER BY b.bucket_id), ''))
      INTO events, total, digest
      FROM (
        SELECT e.bucket_id, count(*) AS n, sum(e.charge_cents) AS amount,
          sha256(string_agg(e.content_hash, ''::bytea ORDER BY e.gateway_request_id COLLATE "C")) AS digest
        FROM llm_usage_archive e WHERE e.service_month = month GROUP BY e.bucket_id
      ) b;
    ELSE
      SELECT coalesce(sum(b.n), 0), coalesce(sum(b.amount), 0),
        sha256(coalesce(string_agg(b.digest, ''::bytea ORDER BY b.bucket_id), ''))
      INTO events, total, digest
      FROM (
        SELECT r.bucket_id, count(*) AS n, sum(r.added_qty) AS amount,
          sha256(string_agg(r.content_hash, ''::bytea ORDER BY r.record_id COLLATE "C")) AS digest
        FROM metered_usage_archive r WHERE r.service_month = month GROUP BY r.bucket_id
      ) b;
    END IF;
    IF (events, total) IS DISTINCT FROM (archived.events, archived.total) THEN
      RAISE EXCEPTION '% % events were archived in %, % are there: verify the month',
          archived.events, source, to_char(month, 'YYYY-MM'), events
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    UPDATE usage_archives a SET expired_at = now(), digest = expire_usage.digest
    WHERE a.service_month = month AND a.source = expire_usage.source;
    EXECUTE format('DROP TABLE usage_archive.%I', format('%s_%s', part, to_char(month, 'YYYY_MM')));
    RETURN NEXT;
  END LOOP;
END $$;

-- Not even the owner's functions are for everybody, as PostgreSQL would have it.
REVOKE ALL ON FUNCTION ensure_archive_partition, note_archived, archive_usage, expire_usage FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archive_usage, expire_usage TO arcadia_app;

GRANT SELECT ON llm_usage_archive, metered_usage_archive TO arcadia_api, arcadia_readonly, arcadia_tenant;
GRANT SELECT ON archived_usage_ids, usage_archives TO arcadia_api, arcadia_readonly;
-- Which events a tenant can no longer be shown; not how many everybody had.
GRANT SELECT (service_month, source, expired_at) ON usage_archives TO arcadia_tenant;
-- A bucket leads to the partition that its events are in.
GRANT SELECT (bucket_id, source, tenant_id, service_month, event_count, total) ON usage_buckets
  TO arcadia_tenant;
CALL isolate_tenants('llm_usage_archive');
CALL isolate_tenants('metered_usage_archive');
