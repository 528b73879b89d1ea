import type { LlmUsageEvent } from '../src/cli/replay/trace-events.ts';
import type { MeteredRecord } from './demo-usage.ts';

/**
 * What the demo's invoices must say, worked out from its input files and the usage that it sent. It shares no code with
 * the product: integers of 10^-12 instead of the product's decimals, and its own reading of docs/spec.md#a-real-month.
 */

/** The input files, as they are written. Dates are local; a missing or null `ends_at` means that there is no end. */
export interface StoryFiles {
  readonly plans: readonly {
    readonly code: string;
    readonly versions: readonly {
      readonly version: number;
      readonly base_price_cents: number;
      readonly items: readonly {
        readonly resource_kind: string;
        readonly included_qty: string | null;
        readonly overage_price_cents: string | number | null;
        readonly overage_unit: string | null;
        readonly hard_cap_qty: string | null;
      }[];
    }[];
  }[];
  readonly addons: readonly {
    readonly code: string;
    readonly resource_kind: string;
    readonly qty: string;
    readonly price_cents: number;
  }[];
  readonly tenants: readonly {
    readonly tenant_id: string;
    readonly deployments: readonly {
      readonly deployment_id: string;
      readonly subscriptions: readonly {
        readonly plan: { readonly code: string; readonly version: number };
        readonly starts_at: string;
        readonly ends_at?: string | null;
        readonly addons?: readonly { readonly code: string }[];
      }[];
    }[];
    readonly tax?: readonly { readonly treatment: string }[];
  }[];
  readonly treatments: readonly { readonly code: string; readonly rate: string }[];
}

export interface StoryUsage {
  readonly events: readonly LlmUsageEvent[];
  readonly records: readonly MeteredRecord[];
}

/** The amounts of an invoice, in cents. */
export interface Figures {
  /** In the order of the invoice's lines, without tax. */
  readonly lines: readonly number[];
  readonly subtotal: number;
  readonly tax: number;
  readonly total: number;
}

const ONE = 10n ** 12n;
const UNIT_FACTORS: Readonly<Record<string, bigint>> = { '1k_tokens': 1000n };

/** Returns a decimal text as a whole number of 10^-12. */
export function exact(text: string | number): bigint {
  if (String(text).startsWith('-')) return -exact(String(text).slice(1));
  const [whole = '0', fraction = ''] = String(text).split('.');
  return BigInt(whole) * ONE + BigInt(fraction.padEnd(12, '0'));
}

/** Divides and rounds half away from zero. */
function divide(value: bigint, by: bigint): bigint {
  const size = value < 0n ? -value : value;
  const rounded = (2n * size + by) / (2n * by);
  return value < 0n ? -rounded : rounded;
}

/** Returns the sum of LLM charges in cents, rounded once. */
export function llmCents(events: readonly LlmUsageEvent[]): number {
  return Number(divide(sum(events.map(({ charge_cents }) => exact(charge_cents))), ONE));
}

/** Returns the tax on an amount in cents. @param rate a share, such as `"0.10"` */
export function taxCents(cents: number, rate: string): number {
  return Number(divide(BigInt(cents) * exact(rate), ONE));
}

/** Returns the rate at which a tenant is taxed. */
export function taxRateOf({ tenants, treatments }: StoryFiles, tenantId: string): string {
  const assigned = tenants.find(({ tenant_id }) => tenant_id === tenantId)?.tax?.at(-1);
  return treatments.find(({ code }) => code === assigned?.treatment)?.rate ?? '0.10';
}

/** Returns what a tenant's invoice of a month must say. @param month `2026-05` */
export function figuresOf(
  files: StoryFiles,
  { events, records }: StoryUsage,
  tenantId: string,
  month: string,
): Figures {
  const tenant = files.tenants.find(({ tenant_id }) => tenant_id === tenantId);
  const deployments = [...(tenant?.deployments ?? [])].sort((a, b) =>
    a.deployment_id < b.deployment_id ? -1 : 1,
  );
  const lines = deployments.flatMap((deployment) => {
    const isOwn = (usage: { readonly deployment_id: string }) =>
      usage.deployment_id === deployment.deployment_id;
    const charged = events.filter(isOwn);
    return [
      ...planLines(files, deployment, records.filter(isOwn), month),
      ...(charged.length === 0 ? [] : [llmCents(charged)]),
    ];
  });
  const subtotal = lines.reduce((total, cents) => total + cents, 0);
  const tax = taxCents(subtotal, taxRateOf(files, tenantId));
  return { lines, subtotal, tax, total: subtotal + tax };
}

type DeploymentFile = StoryFiles['tenants'][number]['deployments'][number];

/** Returns base, addons and overage of a deployment: each subscription pays by its days. */
function planLines(
  files: StoryFiles,
  { subscriptions }: DeploymentFile,
  records: readonly MeteredRecord[],
  month: string,
): readonly number[] {
  const days = daysOf(month);
  const parts = subscriptions.flatMap((subscription) => {
    const billed = billedDays(subscription, month);
    if (billed === 0) return [];
    const addons = (subscription.addons ?? []).map((own) => one(files.addons, own.code));
    const plan = one(files.plans, subscription.plan.code);
    const version = plan.versions.find((each) => each.version === subscription.plan.version);
    if (version === undefined) throw new Error(`plan ${plan.code} lacks a version`);
    return { version, addons, billed };
  });
  const share = (value: bigint, billed: number) => divide(value * BigInt(billed), BigInt(days));
  const recurring = parts.flatMap(({ version, addons, billed }) =>
    [version.base_price_cents, ...addons.map(({ price_cents }) => price_cents)].map((cents) =>
      Number(share(BigInt(cents), billed)),
    ),
  );
  const billedInAll = parts.reduce((total, { billed }) => total + billed, 0);
  const overage = (parts.at(-1)?.version.items ?? []).flatMap((item) => {
    const { resource_kind: kind, overage_price_cents: price, hard_cap_qty: cap } = item;
    if (price === null) return [];
    const ofKind = records.filter(({ resource_kind }) => resource_kind === kind);
    const used = sum(ofKind.map(({ qty }) => exact(qty)));
    const included = sum(
      parts.flatMap(({ version, addons, billed }) =>
        [
          ...version.items
            .filter((each) => each.resource_kind === kind)
            .map((each) => each.included_qty),
          ...addons.filter((addon) => addon.resource_kind === kind).map(({ qty }) => qty),
        ].map((qty) => share(exact(qty ?? '0'), billed)),
      ),
    );
    const most = cap === null ? used : share(exact(cap), billedInAll);
    const over = (used < most ? used : most) - included;
    if (over <= 0n) return [];
    const factor = UNIT_FACTORS[item.overage_unit ?? ''] ?? 1n;
    return Number(divide(over * exact(price), ONE * ONE * factor));
  });
  return [...recurring, ...overage];
}

/** Returns on how many days of the month a subscription is in force: from its start to the day before its end. */
function billedDays(
  { starts_at, ends_at }: DeploymentFile['subscriptions'][number],
  month: string,
): number {
  const first = starts_at > `${month}-01` ? dayIn(starts_at, month) : 1;
  const end = daysOf(month) + 1;
  const last = ends_at === undefined || ends_at === null ? end : dayIn(ends_at, month);
  return Math.max(Math.min(last, end) - first, 0);
}

/** Returns the day of the month of a date; of one in another month, a day before or after all of the month's. */
function dayIn(date: string, month: string): number {
  if (date.startsWith(month)) return Number(date.slice(-2));
  return date < month ? 0 : Infinity;
}

function daysOf(month: string): number {
  const [year = 0, number = 0] = month.split('-').map(Number);
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (number === 2) return isLeap ? 29 : 28;
  return [4, 6, 9, 11].includes(number) ? 30 : 31;
}

function one<T extends { readonly code: string }>(things: readonly T[], code: string): T {
  const found = things.find((thing) => thing.code === code);
  if (found === undefined) throw new Error(`the demo's files have no ${code}`);
  return found;
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}
