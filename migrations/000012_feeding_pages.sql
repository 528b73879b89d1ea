-- Up Migration

-- Listing subscriptions page by page, in the order of their ids, and finding those of a
-- deployment. (Of a tenant there are few: `subscriptions_by_tenant` will do.)
CREATE INDEX subscriptions_by_deployment ON subscriptions (deployment_id, subscription_id);
CREATE INDEX subscriptions_by_status ON subscriptions (status, subscription_id);
