-- Up Migration

-- Expiry: events of archived months are deleted, one month at a time, once they no longer need to be kept
-- (ADR 16).

-- A month expires once.
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

-- Returns the key of the advisory lock that prevents usage of a month from being stored while the month
-- expires.
CREATE FUNCTION expiry_lock(month date) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended('usage of ' || month::text, 0)
$$;

-- Returns those of the given service months whose usage has expired or is expiring in another transaction; they
-- accept no more usage. The others can't expire before the caller's transaction ends. Ingestion calls this once
-- per group of events, so it returns early if all months are too young to expire. `expire_usage` keeps at least
-- 12 full months; this keeps one month of slack, because the month may change in between.
CREATE FUNCTION expired_months(months date[]) RETURNS date[] LANGUAGE plpgsql AS $$
DECLARE
  old_months CONSTANT date[] := ARRAY(
    SELECT month FROM unnest(months) AS given (month)
    WHERE month < billing_month(now()) - interval '11 months'
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
  -- A separate statement, so that it sees months that expired before the locks were taken.
  RETURN expiring || ARRAY(
    SELECT service_month FROM usage_archives
    WHERE service_month = ANY(old_months) AND expired_at IS NOT NULL
  );
END $$;

-- Deletes the archived events of both sources of a month that is older than `months_kept` full months (at least
-- a year) and records their count, total and digest. Their ids, the buckets and the invoices stay. Returns no
-- row if the events had expired before.
CREATE FUNCTION expire_usage(
  month month_start, months_kept integer,
  OUT source text, OUT events bigint, OUT total numeric, OUT digest bytea
) RETURNS SETOF record LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '10s' AS $$
DECLARE
  archived record;
  part text;
BEGIN
  IF month >= billing_month(now()) - make_interval(months => greatest(months_kept, 12)) THEN
    RAISE EXCEPTION '% is not older than % full months', to_char(month, 'YYYY-MM'), greatest(months_kept, 12)
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NOT pg_try_advisory_xact_lock(hashtextextended('usage_archives', 0)) THEN
    RAISE EXCEPTION 'another archiving is under way' USING ERRCODE = 'restrict_violation';
  END IF;
  -- Waits for transactions that are storing usage of the month. From here on, new usage of the month is
  -- rejected.
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

REVOKE ALL ON FUNCTION expire_usage FROM PUBLIC;
GRANT EXECUTE ON FUNCTION expire_usage TO arcadia_app;
