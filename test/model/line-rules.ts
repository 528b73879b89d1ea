import { exact, exactText, sum, toCents, type Exact } from './exact.ts';
import { PLANS, type Deployment, type Plan, type PlanItem } from './fleet.ts';
import { applyItems, itemLines } from './item-rules.ts';
import {
  modelOf,
  monthText,
  type Application,
  type Draft,
  type Model,
  type UsageEvent,
} from './model.ts';
import { chainOf, dueDeployments, sumOf } from './standing-rules.ts';
import { taxLines, taxOn, treatmentOf, type TreatmentCode } from './tax-rules.ts';

/** What an invoice says, worked out from the events themselves. docs/spec.md#the-quote, docs/spec.md#month-end. */

export interface Line {
  readonly deployment: string | null;
  readonly subscription: string | null;
  /** The invoice item that it charges or credits. */
  readonly item: string | null;
  readonly kind: string;
  readonly resourceKind: string | null;
  readonly description: string;
  readonly qty: string;
  readonly unit: string;
  readonly unitPriceCents: string | null;
  readonly amountCents: number;
  readonly isTaxable: boolean;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** What a draft bills: its own usage, and that of the invoice which it rebuilds and of that invoice's notes. */
export function usageOf(model: Model, draft: Draft): readonly UsageEvent[] {
  const chain = draft.replaces === null ? [] : chainOf(model, draft.replaces);
  const holders: readonly (Draft | null)[] = [draft, ...chain.map((document) => document.draft)];
  return model.events.filter(({ holder }) => holder !== null && holders.includes(holder));
}

/** What an event counts for on a draft: nothing of it where it is left out. */
export function counted({ leftOut }: Pick<Draft, 'leftOut'>, event: UsageEvent): Exact {
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

type Place = Pick<Line, 'deployment' | 'subscription' | 'item' | 'isTaxable'>;

export function subscriptionLines(
  draft: Pick<Draft, 'month' | 'leftOut'>,
  deployment: Deployment,
  plan: Plan,
  usage: readonly UsageEvent[],
): readonly Line[] {
  const place: Place = {
    deployment: deployment.id,
    subscription: deployment.subscriptionId,
    item: null,
    isTaxable: true,
  };
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
): Omit<Line, keyof Place> | null {
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
export function llmLines(
  model: Model,
  draft: Pick<Draft, 'month' | 'leftOut'>,
  usage: readonly UsageEvent[],
): readonly Line[] {
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
        item: null,
        kind: 'llm_usage',
        resourceKind: null,
        description: lateFor === null ? 'LLM usage' : `LLM usage, late for ${lateFor}`,
        qty: String(billed.length),
        unit: 'request',
        unitPriceCents: null,
        amountCents: toCents(cents),
        isTaxable: true,
        meta: {
          exact_cents: exactText(cents),
          by_model: byModel(billed),
          ...(lateFor !== null && { service_month: lateFor }),
        },
      };
    }),
  );
}

function byModel(billed: readonly UsageEvent[]) {
  return [...Map.groupBy(billed, ({ id }) => modelOf(id))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([model, events]) => ({
      model,
      requests: String(events.length),
      exact_cents: exactText(sum(events.map(({ amount }) => amount))),
    }));
}

export interface Totalled {
  readonly lines: readonly Line[];
  readonly subtotalCents: number;
  readonly taxableCents: number;
  readonly taxCents: number;
  readonly totalCents: number;
  readonly treatment: TreatmentCode;
  readonly applications: readonly Application[];
}

/** Returns a draft's lines of its deployments: what was quoted, then LLM usage. */
export function deploymentLines({ fleet }: Model, { quoted, llm }: Draft): readonly Line[] {
  return fleet.deployments.flatMap(({ id }) =>
    [...(quoted ?? []), ...llm].filter(({ deployment }) => deployment === id),
  );
}

/** Returns a whole invoice: deployments, items, tax. */
export function totalled(model: Model, draft: Draft): Totalled {
  const { tenant, month, replaces } = draft;
  const own = deploymentLines(model, draft);
  const applications = applyItems(model, { tenant, month, replaced: replaces }, own);
  const lines = [...own, ...itemLines(model, applications, month)];
  const treatment = treatmentOf(model, tenant, month);
  const taxableCents = taxableOf(lines);
  const taxCents = taxOn(taxableCents, treatment);
  return { ...withTax(lines, taxCents, treatment), applications };
}

export function taxableOf(lines: readonly Line[]): number {
  return sumOf(
    lines.filter(({ isTaxable }) => isTaxable),
    ({ amountCents }) => amountCents,
  );
}

/** Adds a document's tax line and totals. */
export function withTax(
  lines: readonly Line[],
  taxCents: number,
  treatment: TreatmentCode,
): Omit<Totalled, 'applications'> {
  const subtotalCents = sumOf(lines, ({ amountCents }) => amountCents);
  return {
    lines: [...lines, ...taxLines(taxCents, treatment)],
    subtotalCents,
    taxableCents: taxableOf(lines),
    taxCents,
    totalCents: subtotalCents + taxCents,
    treatment,
  };
}
