import { z } from 'zod';
import { insertDeployments } from '../../../src/db/catalogue/stored-subscriptions.ts';
import type { Database, Queryable } from '../../../src/db/pool.ts';
import { sql } from '../../../src/db/sql.ts';
import type { JsonObject } from '../../../src/domain/types.ts';
import { createIngestion } from '../../../src/ingestion/ingestion.ts';
import { hold, nameUnknownTenants, toHeld } from '../../../src/ingestion/quarantine/hold.ts';
import type { TimeBounds } from '../../../src/ingestion/time-bounds.ts';
import { ANY_TIME } from '../../_util/any-time.ts';

let last = 0;
/** Names a tenant for one test. It doesn't exist yet. */
export const newTenant = () => `new-${(last += 1)}`;

/** An event of a tenant's deployment, with the given fields replaced. */
export function eventOf(tenantId: string, more: JsonObject = {}): JsonObject {
  return {
    gateway_request_id: `litellm:${(last += 1)}`,
    tenant_id: tenantId,
    deployment_id: `${tenantId}-a`,
    model: 'large-2',
    occurred_at: '2026-05-10T12:00:00Z',
    charge_cents: '0.25',
    currency: 'AUD',
    ...more,
  };
}

/** Sends events as an integration does: what the ledger refuses is held. @returns how many were accepted, and newly held */
export async function send(
  apiDb: Database,
  events: readonly JsonObject[],
  timeBounds: TimeBounds = ANY_TIME,
): Promise<{ readonly accepted: number; readonly held: number }> {
  const ingestion = createIngestion({ db: apiDb, now: () => new Date(), timeBounds });
  const results = await ingestion.ingest('llm', events);
  await ingestion.close();
  const refused = results.flatMap((result, index) =>
    'reason' in result ? toHeld(events[index]!, result, new Date()) : [],
  );
  const accepted = results.filter(({ status }) => status === 'accepted').length;
  return { accepted, held: await hold(apiDb, null, await nameUnknownTenants(apiDb, refused)) };
}

const row = z.object({
  sourceId: z.string(),
  reason: z.string(),
  state: z.string(),
  actor: z.string().nullable(),
  detail: z.string(),
});

/** The quarantined events of a tenant, in the order of their ids. */
export function heldOf(db: Queryable, tenantId: string): Promise<readonly z.infer<typeof row>[]> {
  return db.any(sql.type(row)`
    SELECT source_id AS "sourceId", reason, state, actor, detail
    FROM quarantined_events WHERE tenant_id = ${tenantId} ORDER BY source_id, quarantine_id
  `);
}

/** Gives a tenant a deployment without a subscription. */
export function addDeployment(db: Database, deploymentId: string, tenantId: string): Promise<void> {
  return db.transaction((tx) => insertDeployments(tx, [{ deploymentId, tenantId }]));
}

/** What the ledger has of a tenant: events, and their exact sum in its buckets. */
export async function ledgerOf(db: Queryable, tenantId: string) {
  return db.one(sql.type(z.object({ events: z.number(), total: z.string() }))`
    SELECT coalesce(sum(event_count), 0)::bigint AS events, trim_scale(coalesce(sum(total), 0)) AS total
    FROM usage_buckets WHERE tenant_id = ${tenantId}
  `);
}
