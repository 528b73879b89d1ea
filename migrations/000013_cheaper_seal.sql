-- Up Migration

-- The check is asked for each event that comes in, and for each bucket that is sealed: what isn't
-- sealed yet has nothing to be checked.
CREATE OR REPLACE TRIGGER usage_buckets_stay_sealed BEFORE UPDATE ON usage_buckets
  FOR EACH ROW WHEN (OLD.sealed_for IS NOT NULL) EXECUTE FUNCTION usage_buckets_stay_sealed();
