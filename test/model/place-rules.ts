import { exact, exactText, type Exact } from './exact.ts';
import { PLANS, type Plan } from './fleet.ts';
import type { Line } from './line-rules.ts';
import type { Invoice, Model, Note, UsageEvent } from './model.ts';
import { isCredit } from './note-rules.ts';
import { chainOf, holdersOf, isDue, standing, sumOf } from './standing-rules.ts';

/** Where the month's usage is: `reconciliation.ts` explains the states. */

export interface Place {
  readonly tenant: string;
  readonly deployment: string;
  readonly source: UsageEvent['source'];
  readonly kind: string;
  readonly state: string;
  readonly events: number;
  readonly total: string;
  /** The live invoice of the service month. */
  readonly invoice: Invoice | null;
}

/** A service month's usage by deployment, kind and state, without what comes to nothing. */
export function placesOf(model: Model, month: number): readonly Place[] {
  const places = new Map<string, { place: Omit<Place, 'total'>; events: number; total: Exact }>();
  const add = (event: UsageEvent, state: string, events: number, total: Exact) => {
    const { deployment, source, kind } = event;
    const key = [deployment.id, source, kind, state].join();
    const place = {
      tenant: deployment.tenant,
      deployment: deployment.id,
      source,
      kind,
      state,
      events,
      invoice: standing(model, deployment.tenant, month),
    };
    const before = places.get(key) ?? { place, events: 0, total: 0n };
    places.set(key, { place, events: before.events + events, total: before.total + total });
  };
  for (const event of model.events.filter((each) => each.month === month)) {
    const state = stateOf(model, event);
    if (!isLeftOut(model, event)) add(event, state, 1, event.added);
    else {
      add(event, 'excluded', 1, event.amount);
      // A correction that was excluded still takes away what its record has said.
      add(event, state, 0, event.added - event.amount);
    }
  }
  return [...places.values()]
    .filter(({ events, total }) => events > 0 || total !== 0n)
    .map(({ place, events, total }) => ({ ...place, events, total: exactText(total) }));
}

/** An exclusion counts as soon as no document bills the event: a note may leave out what its invoice has billed. */
function isLeftOut(model: Model, event: UsageEvent): boolean {
  const holders = holdersOf(model, event);
  if (!event.isExcluded) return false;
  const isBilled = holders.length > 0 && !holders.some(isVoid);
  return !isBilled || holders.some(({ draft }) => draft?.leftOut.has(event) === true);
}

const isVoid = (document: Invoice | Note) =>
  document.kind === 'invoice' && document.status === 'void';

function stateOf(model: Model, event: UsageEvent): string {
  const { source, deployment, holder, month } = event;
  if (holder?.document) return stateOnDocument(model, event, holder.document);
  if (holder?.state === 'open') return 'in_draft';
  if (holder !== null && holder.state !== 'abandoned') return 'unaccounted';
  const { tenant } = deployment;
  const invoice = standing(model, tenant, month);
  if (invoice === null && isDue(model, tenant, month)) return 'not_yet_invoiced';
  if (source === 'llm') return 'next_invoice';
  if (invoice === null) return 'tenant_not_due';
  return invoice.status === 'void' ? 'voided' : 'needs_re_run';
}

function stateOnDocument(model: Model, event: UsageEvent, document: Invoice | Note): string {
  const { source, deployment, kind } = event;
  const invoice = document.kind === 'invoice' ? document : document.adjusts;
  if (invoice.supersededBy !== null) return 'unaccounted';
  if (invoice.status === 'void') return 'voided';
  if (source === 'llm') return 'billed';
  const isOwn = (line: Line) => line.deployment === deployment.id;
  // What a note changes holds for all usage of its invoice. It has no line for the rest: what it was composed from says
  // which plan it is.
  const chain = chainOf(model, invoice).filter((each) => !isCredit(each));
  const charged = chain
    .flatMap(({ lines }) => lines.filter(isOwn))
    .filter((line) => line.kind === 'overage' && line.resourceKind === kind);
  const qty = charged.reduce((sum, line) => sum + exact(line.qty), 0n);
  if (qty !== 0n || sumOf(charged, ({ amountCents }) => amountCents) !== 0) return 'billed';
  const composed = chain.at(-1)?.draft?.quoted?.filter(isOwn) ?? [];
  const base = composed.find((line) => line.kind === 'plan_base');
  if (!base) return 'no_subscription';
  const plan = Object.values<Plan>(PLANS).find(({ id }) => id === base.meta.plan_version_id);
  const item = plan?.items.find((each) => each.kind === kind);
  if (item === undefined) return 'unpriced_kind';
  return item.priceCents === null ? 'free_by_plan' : 'within_allowance';
}
