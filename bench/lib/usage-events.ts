import type pg from 'pg';
import type { LlmUsageEvent } from '../../src/cli/replay/trace-events.ts';
import type { MeteredRecord } from '../../dev/demo-usage.ts';
import { seededRandom } from '../../dev/random.ts';

/** A deployment and its tenant. */
export interface Place {
  readonly tenantId: string;
  readonly deploymentId: string;
}

/** Creates tenants with one deployment each, directly in SQL: 100,000 take a second. */
export async function seedDeployments(client: pg.Client, count: number): Promise<void> {
  await client.query(
    `INSERT INTO tenants (tenant_id, name, currency)
       SELECT 'tenant-' || n, 'Tenant ' || n, 'AUD' FROM generate_series(1, $1) n`,
    [count],
  );
  await client.query(
    `INSERT INTO deployments (deployment_id, tenant_id)
       SELECT 'deployment-' || n, 'tenant-' || n FROM generate_series(1, $1) n`,
    [count],
  );
  await client.query('ANALYZE tenants, deployments');
}

/** Reads all deployments. */
export async function readPlaces(client: pg.Client): Promise<readonly Place[]> {
  const { rows } = await client.query<Place>(
    `SELECT tenant_id AS "tenantId", deployment_id AS "deploymentId" FROM deployments
     ORDER BY deployment_id`,
  );
  return rows;
}

/** Generates usage of random deployments within the last minute, each event with its own id. */
export interface UsageEvents {
  llm(): LlmUsageEvent;
  metered(): MeteredRecord;
}

const MODELS = ['large-2', 'medium-2', 'small-1'];
const KINDS = ['droplet_hours', 'spaces_gb_month', 'llm_tokens'];

/**
 * @param prefix of the ids, so that no earlier event is sent again
 * @param now the latest instant of the events
 * @param models how many LLM models there are; at most 3, the default
 */
export function createUsageEvents(
  places: readonly Place[],
  {
    seed,
    prefix,
    now,
    models = MODELS.length,
  }: {
    readonly seed: number;
    readonly prefix: string;
    readonly now: Date;
    readonly models?: number;
  },
): UsageEvents {
  const used = MODELS.slice(0, models);
  const generator = seededRandom(`usage ${seed}`);
  const random = () => generator.next();
  const pick = <T>(list: readonly T[]): T => {
    const picked = list[Math.floor(random() * list.length)];
    if (picked === undefined) throw new Error('there is nothing to pick');
    return picked;
  };
  let last = 0;
  // Unordered, like the ids of gateways and meters.
  const nextId = () => `${prefix}-${Math.floor(random() * 0xffffffff).toString(16)}-${(last += 1)}`;
  const instant = () => new Date(now.getTime() - Math.floor(random() * 60_000)).toISOString();
  return {
    llm() {
      const { tenantId, deploymentId } = pick(places);
      return {
        gateway_request_id: nextId(),
        tenant_id: tenantId,
        deployment_id: deploymentId,
        model: pick(used),
        occurred_at: instant(),
        charge_cents: `${Math.floor(random() * 10)}.${Math.floor(random() * 1e6) + 1}`,
        input_tokens: Math.floor(random() * 20_000),
        output_tokens: Math.floor(random() * 2_000),
      };
    },
    metered() {
      const { tenantId, deploymentId } = pick(places);
      return {
        record_id: nextId(),
        tenant_id: tenantId,
        deployment_id: deploymentId,
        resource_kind: pick(KINDS),
        qty: `${Math.floor(random() * 100)}.${Math.floor(random() * 1e3) + 1}`,
        occurred_at: instant(),
      };
    },
  };
}
