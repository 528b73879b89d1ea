import { expect } from 'vitest';
import { exact, exactText } from './exact.ts';
import { PLANS, type Plan } from './fleet.ts';
import { llmLines, subscriptionLines } from './line-rules.ts';
import type { Invoice, Model, UsageEvent } from './model.ts';
import type { StoredDocument, StoredLine } from './snapshot.ts';
import { chainOf, sumOf } from './standing-rules.ts';
import { taxOn } from './tax-rules.ts';

/**
 * The sum of the stored documents against the events themselves: an invoice and its notes together say what the month
 * would cost if it were composed today from what they hold, items added and credits taken off.
 */
export function expectComposition(model: Model, stored: readonly StoredDocument[]): void {
  for (const invoice of model.invoices) {
    if (invoice.supersededBy !== null) continue;
    const ids = chainOf(model, invoice).map(({ id }) => id);
    const chain = stored.filter(({ id }) => ids.includes(id));
    const isCredit = ({ origin }: StoredDocument) => origin === 'credit';
    const billed = untaxed(chain.filter((document) => !isCredit(document)));
    const composed = billed.filter(({ kind }) => kind !== 'item');
    const fresh = freshLines(model, invoice);
    expect(byPurpose(composed)).toEqual(byPurpose(fresh));

    const amount = ({ amountCents }: Pick<StoredLine, 'amountCents'>) => amountCents;
    const items = sumOf(
      billed.filter(({ kind }) => kind === 'item'),
      amount,
    );
    const credits = sumOf(untaxed(chain.filter(isCredit)), amount);
    const subtotal = sumOf(chain, ({ subtotalCents }) => subtotalCents);
    expect(subtotal).toBe(sumOf(fresh, amount) + items + credits);
    const taxable = sumOf(chain, ({ taxableCents }) => taxableCents);
    const tax = sumOf(chain, ({ taxCents }) => taxCents);
    const { treatment } = chainOf(model, invoice).at(-1) ?? invoice;
    expect(tax).toBe(taxOn(taxable, treatment));
    expect(sumOf(chain, ({ totalCents }) => totalCents)).toBe(subtotal + tax);
  }
}

function untaxed(documents: readonly StoredDocument[]): readonly StoredLine[] {
  return documents.flatMap(({ lines }) => lines).filter(({ kind }) => kind !== 'tax');
}

/** Composes the month from the usage that the invoice and its notes hold, by the plans that the last of them knew. */
function freshLines(model: Model, invoice: Invoice) {
  const drafts = chainOf(model, invoice).flatMap(({ draft }) => draft ?? []);
  const last = drafts.at(-1);
  if (last === undefined) return [];
  const leftOut = new Set<UsageEvent>(drafts.flatMap((draft) => [...draft.leftOut]));
  const terms = { month: invoice.month, leftOut };
  const usage = model.events.filter(({ holder }) => holder !== null && drafts.includes(holder));
  const quoted = model.fleet.deployments.flatMap((deployment) => {
    const base = last.quoted?.find(
      (line) => line.kind === 'plan_base' && line.deployment === deployment.id,
    );
    const plan = Object.values<Plan>(PLANS).find(({ id }) => id === base?.meta.plan_version_id);
    return plan === undefined ? [] : subscriptionLines(terms, deployment, plan, usage);
  });
  return [...quoted, ...llmLines(model, terms, usage)];
}

type Summed = Pick<
  StoredLine,
  'deployment' | 'kind' | 'resourceKind' | 'description' | 'qty' | 'amountCents'
>;

/** Adds up the lines of each purpose, without those that come to nothing. */
function byPurpose(lines: readonly Summed[]): Readonly<Record<string, string>> {
  const groups = Map.groupBy(lines, ({ deployment, kind, resourceKind, description }) =>
    [deployment, kind, resourceKind, description].join(),
  );
  const sums = [...groups].map(([purpose, group]) => {
    const qty = group.reduce((total, line) => total + exact(line.qty), 0n);
    const cents = sumOf(group, ({ amountCents }) => amountCents);
    return [purpose, `${exactText(qty)} for ${cents}`] as const;
  });
  return Object.fromEntries(sums.filter(([, text]) => text !== '0 for 0').sort());
}
