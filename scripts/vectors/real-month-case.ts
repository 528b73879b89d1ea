import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import {
  computeMonthStarts,
  createBillingCalendar,
  type BillingCalendar,
} from '../../src/domain/billing-calendar.ts';
import { assembleInvoice } from '../../src/domain/compose-invoice.ts';
import { parseDecimal, sumDecimals, toDecimalString } from '../../src/domain/decimal.ts';
import { deploymentLines, type DeploymentLine } from '../../src/domain/deployment-lines.ts';
import { llmUsageLine } from '../../src/domain/llm-lines.ts';
import type { PlacedLine } from '../../src/domain/line-changes.ts';
import { parseInstant, type Period } from '../../src/domain/period.ts';
import { billedDeployment } from '../../src/domain/service-days.ts';
import type { PlanVersion } from '../../src/domain/types.ts';
import { planVersion, priceText, qty, toPlanVersion, units } from './fields.ts';

const instant = z.iso.datetime({ offset: true });
const span = z.object({ starts_at: instant, ends_at: instant.nullable() });

const subscription = span.extend({
  subscription_id: z.string(),
  plan: z.string(),
  addons: z.array(
    span.extend({
      code: z.string(),
      resource_kind: z.string(),
      qty: qty.nullable(),
      price_cents: z.int(),
    }),
  ),
});

const deployment = z.object({
  deployment_id: z.string(),
  subscriptions: z.array(subscription),
  usage: z.array(z.object({ resource_kind: z.string(), qty: z.string(), occurred_at: instant })),
  llm: z.array(z.object({ charge_cents: z.string(), occurred_at: instant })),
});

/** One tenant's month: `{id, units, time_zone, month, tax_rate, plans, deployments, expected}`. */
export const realMonthCase = z.object({
  id: z.string(),
  units,
  time_zone: z.string(),
  month: z.string(),
  tax_rate: z.string(),
  plans: z.record(z.string(), planVersion),
  deployments: z.array(deployment),
  expected: z.looseObject({}),
});
type RealMonthCase = z.infer<typeof realMonthCase>;

/** Returns the month's lines without the tax line, and its totals, in the form of `expected`. */
export function computeRealMonth(given: RealMonthCase): unknown {
  const calendar = calendarIn(given.time_zone);
  const planVersions = new Map(
    Object.entries(given.plans).map(([code, plan]) => [
      code,
      toPlanVersion(code, plan, given.units),
    ]),
  );
  const lines = given.deployments.flatMap((each) => linesOf(each, given, calendar, planVersions));
  const treatment = { code: 'tax', label: 'Tax', rate: given.tax_rate, note: null };
  const invoice = assembleInvoice(lines, {
    month: given.month,
    // Amounts don't depend on the currency. Another one would need an exchange rate.
    currency: 'AUD',
    tax: { treatment, sellerRegistered: true, audRate: null },
    items: [],
  });
  return {
    lines: invoice.lines.filter(({ kind }) => kind !== 'tax').map(toExpectedForm),
    subtotal_cents: invoice.subtotalCents,
    tax_cents: invoice.taxCents,
    total_cents: invoice.totalCents,
  };
}

function linesOf(
  given: RealMonthCase['deployments'][number],
  { month, plans }: RealMonthCase,
  calendar: BillingCalendar,
  planVersions: ReadonlyMap<string, PlanVersion>,
): readonly DeploymentLine[] {
  const deploymentId = given.deployment_id;
  const period = calendar.periodOf(month);
  const isInMonth = ({ occurred_at }: { readonly occurred_at: string }) =>
    isBetween(occurred_at, period);
  const billed = billedDeployment(
    {
      tenantId: 'tenant',
      currency: Object.values(plans)[0]?.currency,
      deploymentId,
      subscriptions: given.subscriptions.map((each) => ({
        subscriptionId: each.subscription_id,
        planVersionId: each.plan,
        startsAt: each.starts_at,
        endsAt: each.ends_at,
        addons: each.addons.map((addon) => ({
          code: addon.code,
          resourceKind: addon.resource_kind,
          qty: addon.qty,
          priceCents: addon.price_cents,
          startsAt: addon.starts_at,
          endsAt: addon.ends_at,
        })),
      })),
    },
    { period, calendar, planVersions },
  );
  const used = Map.groupBy(given.usage.filter(isInMonth), ({ resource_kind }) => resource_kind);
  const usage = Object.fromEntries(
    [...used].map(([kind, records]) => [kind, sumOf(records.map((record) => record.qty))]),
  );
  const llm = given.llm.filter(isInMonth).map(({ charge_cents }) => charge_cents);
  return [
    ...deploymentLines(billed, { period, planVersions, usage }),
    ...(llm.length === 0
      ? []
      : [
          {
            ...llmUsageLine({
              deploymentId,
              requestCount: llm.length,
              exactCents: sumOf(llm),
              serviceMonth: month,
              invoiceMonth: month,
            }),
            deploymentId,
            subscriptionId: null,
          },
        ]),
  ];
}

function sumOf(decimals: readonly string[]): string {
  return toDecimalString(sumDecimals(decimals.map(parseDecimal)));
}

/** Each kind of line has its own fields in the file. */
function toExpectedForm(line: PlacedLine): object {
  const { meta } = line;
  const common = {
    deployment_id: line.deploymentId,
    subscription_id: line.subscriptionId,
    kind: line.kind,
    resource_kind: line.resourceKind,
    qty: line.qty,
    amount_cents: line.amountCents,
  };
  if (line.kind === 'llm_usage') return { ...common, exact_cents: meta.exact_cents };
  const priced = { ...common, unit_price_cents: priceText(line.unitPriceCents) };
  if (line.kind === 'overage') {
    const { included_qty, addon_qty, allowance, used, capped } = meta;
    return { ...priced, unit: line.unit, included_qty, addon_qty, allowance, used, capped };
  }
  return {
    ...priced,
    proration_fraction: meta.proration_fraction ?? null,
    ...(line.kind === 'addon' && { addon_code: meta.addon_code }),
  };
}

function isBetween(at: string, { startsAt, endsAt }: Period): boolean {
  const t = parseInstant(at);
  return Temporal.Instant.compare(startsAt, t) <= 0 && Temporal.Instant.compare(t, endsAt) < 0;
}

const calendars = new Map<string, BillingCalendar>();

function calendarIn(timeZone: string): BillingCalendar {
  const known = calendars.get(timeZone);
  if (known) return known;
  const calendar = createBillingCalendar(timeZone, computeMonthStarts(timeZone));
  calendars.set(timeZone, calendar);
  return calendar;
}
