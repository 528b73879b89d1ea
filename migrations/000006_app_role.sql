-- Up Migration

-- What the API and the worker may do. The role that migrates owns the tables;
-- the app's login is, or is a member of, arcadia_app. It cannot delete or rewrite
-- anything that was issued or accepted: rights first, triggers behind them.

DO $$
BEGIN
  CREATE ROLE arcadia_app NOLOGIN;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

GRANT USAGE ON SCHEMA public TO arcadia_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO arcadia_app;

GRANT INSERT ON tenants, plans, plan_versions, plan_items, addons, deployments,
  subscriptions, subscription_addons, invoice_drafts, invoice_draft_chunks, invoices,
  invoice_lines, invoice_usage, usage_buckets, llm_usage_events, metered_usage_records,
  month_end_requests, month_end_request_tenants, tenant_outcomes, api_keys TO arcadia_app;

GRANT UPDATE (name, last_invoice_seq) ON tenants TO arcadia_app;
GRANT UPDATE (resource_kind, qty, price_cents, updated_at) ON addons TO arcadia_app;
GRANT UPDATE (plan_version_id, starts_at, ends_at) ON subscriptions TO arcadia_app;
GRANT UPDATE (ends_at, allow_repeated) ON subscription_addons TO arcadia_app;
GRANT UPDATE (state, closed_at, reason) ON invoice_drafts TO arcadia_app;
GRANT UPDATE (status, superseded_by, superseded_at) ON invoices TO arcadia_app;
GRANT UPDATE (event_count, total, sealed_for) ON usage_buckets TO arcadia_app;
GRANT UPDATE (state, manifest, started_at, finished_at) ON month_end_requests TO arcadia_app;
GRANT UPDATE (outcome, draft_id, invoice_id, reason) ON month_end_request_tenants TO arcadia_app;
GRANT UPDATE (outcome, invoice_id, reason_type, reason, recorded_at) ON tenant_outcomes TO arcadia_app;
GRANT UPDATE (revoked_at) ON api_keys TO arcadia_app;

-- A draft's lines are scratch paper; nothing else can be deleted.
GRANT DELETE ON invoice_draft_chunks TO arcadia_app;
