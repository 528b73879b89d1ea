import { exact, exactText, sum, toCents, type Exact } from './exact.ts';
import { PLANS, type Deployment, type Plan, type PlanItem } from './fleet.ts';
import { dueDeployments, monthText, type Draft, type Model, type UsageEvent } from './model.ts';

/** What an invoice says, worked out from the events themselves. docs/spec.md#the-quote, docs/spec.md#month-end. */

export interface Line {
  readonly deployment: string | null;
  readonly subscription: string | null;
  readonly kind: string;
  readonly resourceKind: string | null;
  readonly description: string;
  readonly qty: string;
  readonly unit: string;
  readonly unitPriceCents: string | null;
  readonly amountCents: number;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** What a draft bills: its own usage, and that of the invoice which it replaces. */
export function usageOf(model: Model, draft: Draft): readonly UsageEvent[] {
  const holders = [draft, draft.replaces?.draft];
  return model.events.filter(({ holder }) => holder !== null && holders.includes(holder));
}

/** What an event counts for on a draft: nothing of it where it is left out. */
export function counted({ leftOut }: Draft, event: UsageEvent): Exact {
  return leftOut.has(event) ? event.added - event.amount : event.added;
}

/** The lines of a tenant's subscriptions, or why there are none. */
export function quotedLines(
  model: Model,
  draft: Draft,
): { readonly lines: readonly Line[]; readonly failure: string | null } {
  const usage = usageOf(model, draft);
  const lines: Line[] = [];
  /** The first bad subscription parks the tenant; the others are not computed. */
  let failure: string | null = null;
  for (const deployment of dueDeployments(model, draft.tenant, draft.month)) {
    const name = model.plans.get(deployment.id) ?? null;
    const plan: Plan | null = name === null ? null : PLANS[name];
    if (plan?.currency === 'AUD') lines.push(...subscriptionLines(draft, deployment, plan, usage));
    else failure ??= plan === null ? 'missing_plan_version' : 'mixed_currencies';
  }
  return { lines, failure };
}

function subscriptionLines(
  draft: Draft,
  deployment: Deployment,
  plan: Plan,
  usage: readonly UsageEvent[],
): readonly Line[] {
  const place = { deployment: deployment.id, subscription: deployment.subscriptionId };
  const recurring = { ...place, qty: '1', unit: 'month' };
  return [
    {
      ...recurring,
      kind: 'plan_base',
      resourceKind: null,
      description: 'Plan base',
      unitPriceCents: String(plan.baseCents),
      amountCents: plan.baseCents,
      meta: { plan_version_id: plan.id, version: plan.version },
    },
    ...deployment.addons.map(({ code, kind, qty, priceCents }) => ({
      ...recurring,
      kind: 'addon',
      resourceKind: kind,
      description: `Addon: ${code}`,
      unitPriceCents: String(priceCents),
      amountCents: priceCents,
      meta: { addon_code: code, included_qty: qty },
    })),
    ...plan.items.flatMap((item) => {
      const used = usage.filter(
        (event) =>
          event.source === 'metered' &&
          event.deployment === deployment &&
          event.kind === item.kind &&
          event.month === draft.month,
      );
      const line = overage(deployment, item, sum(used.map((event) => counted(draft, event))));
      return line === null ? [] : { ...place, ...line };
    }),
  ];
}

function overage(
  { addons }: Deployment,
  item: PlanItem,
  used: Exact,
): Omit<Line, 'deployment' | 'subscription'> | null {
  const { kind, included, priceCents, unit, per, cap } = item;
  const lifted = sum(addons.filter((addon) => addon.kind === kind).map(({ qty }) => exact(qty)));
  const allowance = exact(included) + lifted;
  const isCapped = cap !== null && used > exact(cap);
  const over = (isCapped ? exact(cap) : used) - allowance;
  if (over <= 0n || priceCents === null) return null;
  return {
    kind: 'overage',
    resourceKind: kind,
    description: `${kind} overage`,
    qty: exactText(over),
    unit,
    unitPriceCents: String(priceCents),
    amountCents: toCents(over, priceCents, per),
    meta: {
      included_qty: included,
      addon_qty: exactText(lifted),
      allowance: exactText(allowance),
      used: exactText(used),
      capped: isCapped,
    },
  };
}

/** A line per deployment and service month that has LLM requests to bill. */
export function llmLines(model: Model, draft: Draft): readonly Line[] {
  const usage = usageOf(model, draft);
  return model.fleet.deployments.flatMap((deployment) =>
    model.fleet.months.flatMap((_, month) => {
      const billed = usage.filter(
        (event) =>
          event.source === 'llm' &&
          event.deployment === deployment &&
          event.month === month &&
          !draft.leftOut.has(event),
      );
      if (billed.length === 0) return [];
      const cents = sum(billed.map(({ amount }) => amount));
      const lateFor = month === draft.month ? null : monthText(model, month);
      return {
        deployment: deployment.id,
        subscription: null,
        kind: 'llm_usage',
        resourceKind: null,
        description: lateFor === null ? 'LLM usage' : `LLM usage, late for ${lateFor}`,
        qty: String(billed.length),
        unit: 'request',
        unitPriceCents: null,
        amountCents: toCents(cents),
        meta: {
          exact_cents: exactText(cents),
          ...(lateFor !== null && { service_month: lateFor }),
        },
      };
    }),
  );
}

export interface Totalled {
  readonly lines: readonly Line[];
  readonly subtotalCents: number;
  readonly taxCents: number;
  readonly totalCents: number;
}

/** A whole invoice: by deployment what was quoted, then LLM usage; tax last. */
export function totalled({ fleet }: Model, { quoted, llm }: Draft): Totalled {
  const lines = fleet.deployments.flatMap(({ id }) =>
    [...(quoted ?? []), ...llm].filter(({ deployment }) => deployment === id),
  );
  const subtotalCents = lines.reduce((total, { amountCents }) => total + amountCents, 0);
  // A tenth, half up.
  const taxCents = Math.floor((subtotalCents + 5) / 10);
  const totals = { subtotalCents, taxCents, totalCents: subtotalCents + taxCents };
  if (taxCents === 0) return { lines, ...totals };
  const tax: Line = {
    deployment: null,
    subscription: null,
    kind: 'tax',
    resourceKind: null,
    description: 'GST (10%)',
    qty: '1',
    unit: 'invoice',
    unitPriceCents: null,
    amountCents: taxCents,
    meta: { rate: '0.10' },
  };
  return { lines: [...lines, tax], ...totals };
}
