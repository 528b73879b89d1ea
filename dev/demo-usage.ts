import { Decimal, toDecimalString } from '../src/domain/decimal.ts';
import type { BillingCalendar } from '../src/domain/billing-calendar.ts';
import { parseDate, type Month } from '../src/domain/period.ts';
import { PRICE_TABLE, priceRequest, type LlmUsageEvent } from '../src/cli/replay/trace-events.ts';
import { STUDIO_TENANT } from './demo-checks.ts';
import { STARTED_TENANT } from './demo-real-month.ts';
import type { DemoDeployment } from './demo-files.ts';
import { seededRandom, type Random } from './random.ts';

/** A metered usage record of the API. */
export interface MeteredRecord {
  readonly record_id: string;
  readonly tenant_id: string;
  readonly deployment_id: string;
  readonly resource_kind: string;
  readonly qty: string;
  readonly occurred_at: string;
}

/** Range of the usage of a deployment per resource kind and month. */
const USUAL_USE: Readonly<Record<string, readonly [min: number, max: number]>> = {
  droplet_hours: [300, 1500],
  llm_tokens: [200_000, 4_000_000],
  spaces_gb_month: [20, 260],
  egress_gb: [0, 900],
  snapshots: [0, 25],
  dns_zones: [0, 5],
};
const RECORDS_PER_KIND = 4;
/** Tenants with metered usage only, so that their invoices can be checked by hand. */
const WITHOUT_LLM = new Set([
  STUDIO_TENANT,
  STARTED_TENANT,
  'overage-only',
  'on-the-edge',
  'echidna-ai',
]);

/** Whether a deployment of the demo sends LLM requests. */
export function usesLlm({ tenantId }: Pick<DemoDeployment, 'tenantId'>): boolean {
  return !WITHOUT_LLM.has(tenantId);
}

/** The priced LLM requests of a month. Deterministic: every call returns the same events with the same ids. */
export function makeLlmEvents(
  calendar: BillingCalendar,
  month: Month,
  deployments: readonly DemoDeployment[],
): LlmUsageEvent[] {
  return deployments.flatMap((deployment) => {
    const { tenantId, deploymentId } = deployment;
    const random = seededRandom(`llm ${month} ${deploymentId}`);
    const inForce = whenInForce(calendar, month, deployment);
    return Array.from({ length: random.integer(20, 120) }, (_, index) => {
      const price = PRICE_TABLE[random.next() < 0.2 ? 1 : 0];
      const inputTokens = random.integer(50, 8000);
      const outputTokens = random.integer(5, 1500);
      return {
        gateway_request_id: `demo-${month}-${deploymentId}-${index + 1}`,
        tenant_id: tenantId,
        deployment_id: deploymentId,
        model: price.model,
        occurred_at: instantIn(inForce, random),
        charge_cents: priceRequest(price, inputTokens, outputTokens),
        input_tokens: inputTokens,
        output_tokens: outputTokens,
      };
    });
  });
}

/**
 * Metered usage of a month, a few records per resource kind.
 * @param exact exact quantities by deployment and kind; a listed deployment uses nothing else
 */
export function makeMeteredRecords(
  calendar: BillingCalendar,
  month: Month,
  deployments: readonly DemoDeployment[],
  exact: Readonly<Record<string, Readonly<Record<string, string>>>>,
): MeteredRecord[] {
  return deployments.flatMap((deployment) => {
    const { tenantId, deploymentId, resourceKinds } = deployment;
    const random = seededRandom(`metered ${month} ${deploymentId}`);
    const inForce = whenInForce(calendar, month, deployment);
    const given = exact[deploymentId];
    return resourceKinds.flatMap((kind) => {
      const total = given ? given[kind] : usualUse(kind, random);
      if (total === undefined) return [];
      return split(total).map((qty, index) => ({
        record_id: `demo-${month}-${deploymentId}-${kind}-${index + 1}`,
        tenant_id: tenantId,
        deployment_id: deploymentId,
        resource_kind: kind,
        qty,
        occurred_at: instantIn(inForce, random),
      }));
    });
  });
}

/** A request that arrives after its month was closed. */
export function makeLateEvent(month: Month, deployment: DemoDeployment): LlmUsageEvent {
  return {
    gateway_request_id: `demo-late-${month}-${deployment.deploymentId}`,
    tenant_id: deployment.tenantId,
    deployment_id: deployment.deploymentId,
    model: PRICE_TABLE[1].model,
    occurred_at: `${month}-28T12:00:00Z`,
    charge_cents: priceRequest(PRICE_TABLE[1], 8_000_000, 250_001),
    input_tokens: 8_000_000,
    output_tokens: 250_001,
  };
}

/** A request that the gateway charged 10,000 times too much. */
export function makeOddEvent(month: Month, deployment: DemoDeployment): LlmUsageEvent {
  const charge = new Decimal(priceRequest(PRICE_TABLE[1], 160_000, 5_001));
  return {
    gateway_request_id: `demo-odd-${month}-${deployment.deploymentId}`,
    tenant_id: deployment.tenantId,
    deployment_id: deployment.deploymentId,
    model: PRICE_TABLE[1].model,
    occurred_at: `${month}-17T12:00:00Z`,
    charge_cents: toDecimalString(charge.times(10_000)),
    input_tokens: 160_000,
    output_tokens: 5_001,
  };
}

function usualUse(kind: string, random: Random): string | undefined {
  const range = USUAL_USE[kind];
  return range && String(random.integer(...range));
}

/** Splits a quantity into parts with exactly the same sum. */
function split(total: string): string[] {
  const part = new Decimal(total).dividedToIntegerBy(RECORDS_PER_KIND);
  const last = new Decimal(total).minus(part.times(RECORDS_PER_KIND - 1));
  return [...Array<Decimal>(RECORDS_PER_KIND - 1).fill(part), last].map(toDecimalString);
}

/** The part of a month in which a deployment has a subscription: [startsAt, endsAt). */
interface InForce {
  readonly startsAt: string;
  readonly endsAt: string;
}

function whenInForce(
  { periodOf, startOfDay }: BillingCalendar,
  month: Month,
  { startsOn, endsOn }: DemoDeployment,
): InForce {
  const { periodStart, periodEnd, startsAt, endsAt } = periodOf(month);
  return {
    startsAt: startsOn > periodStart ? startOfDay(parseDate(startsOn)) : startsAt,
    endsAt: endsOn !== null && endsOn <= periodEnd ? startOfDay(parseDate(endsOn)) : endsAt,
  };
}

function instantIn({ startsAt, endsAt }: InForce, random: Random): string {
  const offsetMs = random.integer(0, Date.parse(endsAt) - Date.parse(startsAt) - 1);
  return new Date(Date.parse(startsAt) + offsetMs).toISOString();
}
