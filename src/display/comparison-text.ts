import { sumCents } from '../domain/cents.ts';
import type { Cause } from '../domain/change-causes.ts';
import { formatAmount, formatMoney, groupDigits } from '../domain/format.ts';
import { formatPercent } from '../domain/invoice-totals.ts';
import type { UnplacedLine } from '../domain/line-changes.ts';
import type { ChargeChange, MonthComparison } from '../domain/month-comparison.ts';
import { lineToJson } from '../domain/quote-json.ts';
import { brief } from './allowance-text.ts';
import { formatMonth, NO_BREAK } from './dates.ts';
import { amountText, joinFigure, lineText, signedAmount } from './line-text.ts';
import { OTHER_MODELS_TEXT, shareOfTotal } from './model-text.ts';
import { planName } from './names.ts';
import { baseUnit, perUnit, pricedUnit, withUnit } from './unit-words.ts';

/** How people read a comparison of two months (docs/spec.md#comparing-months). */

/** What one month charged. */
export interface SideText {
  /** `none` if it didn't charge this. */
  readonly amount: string;
  /** In priced units; empty if there is nothing to count. */
  readonly quantity: string;
}

export interface ChangeText {
  readonly name: string;
  readonly deploymentId: string | null;
  readonly before: SideText;
  readonly after: SideText;
  /** Signed: `+12.50`, `−3.00`. */
  readonly difference: string;
  /** Why the amounts differ: sentences without full stop. */
  readonly causes: readonly string[];
}

/** A charge has one line for each plan or addon of its month; more of them are only counted. */
const MAX_QUANTITIES = 3;

/** Returns the texts of a charge that differs. @throws RangeError unknown currency */
export function changeText(
  change: ChargeChange,
  months: Pick<MonthComparison, 'beforeMonth' | 'afterMonth'>,
  currency: string,
): ChangeText {
  const { before, after, beforeCents, afterCents, differenceCents, causes } = change;
  const line = after[0] ?? before[0];
  const text = line && lineText(lineToJson(line), currency);
  return {
    name: text?.name ?? '',
    deploymentId: line?.deploymentId ?? null,
    before: sideText(before, beforeCents, currency),
    after: sideText(after, afterCents, currency),
    difference: signedAmount(differenceCents, currency),
    causes: causes.map((cause) => causeText(cause, change, months, currency)),
  };
}

/** A comparison as people read it. */
export interface ComparedText extends Omit<MonthComparison, 'changes'> {
  /** Of the charges that differ, largest difference first. */
  readonly changes: readonly ChangeText[];
  /** The charges that don't differ, and what they come to in each month. */
  readonly same: { readonly charges: number; readonly cents: number };
}

/** Returns the texts of a comparison. @throws RangeError unknown currency */
export function comparedText(
  { changes, ...months }: MonthComparison,
  currency: string,
): ComparedText {
  const isSame = ({ differenceCents }: ChargeChange) => differenceCents === 0;
  const same = changes.filter(isSame);
  return {
    ...months,
    changes: changes
      .filter((change) => !isSame(change))
      .map((change) => changeText(change, months, currency)),
    same: { charges: same.length, cents: sumCents(same.map(({ afterCents }) => afterCents)) },
  };
}

/** Returns `AUD 120.00: AUD 20.00 (20.0%) more than acme-000001 for April 2026 (AUD 100.00)`. */
export function comparisonText(
  { beforeMonth, beforeCents, afterCents, differenceCents }: Omit<MonthComparison, 'changes'>,
  comparedWith: { readonly number: string; readonly currency: string },
): string {
  const { number, currency } = comparedWith;
  const money = (cents: number) => `${currency}${NO_BREAK}${amountText(cents, currency)}`;
  const other = `${number} for ${formatMonth(beforeMonth)}`;
  if (differenceCents === 0) return `${money(afterCents)}: the same as ${other}`;
  const share =
    beforeCents > 0
      ? ` (${shareOfTotal(String(Math.abs(differenceCents)), String(beforeCents))})`
      : '';
  return (
    `${money(afterCents)}: ${money(Math.abs(differenceCents))}${share} ` +
    `${differenceCents > 0 ? 'more' : 'less'} than ${other} (${money(beforeCents)})`
  );
}

function sideText(lines: readonly UnplacedLine[], cents: number, currency: string): SideText {
  if (lines.length === 0) return { amount: 'none', quantity: '' };
  const counted = lines.filter(
    ({ kind }) => kind !== 'tax' && kind !== 'item' && kind !== 'credit',
  );
  const quantities = counted.map((line) =>
    joinFigure(lineText(lineToJson(line), currency).quantity),
  );
  return {
    amount: amountText(cents, currency),
    quantity:
      quantities.length > MAX_QUANTITIES ? `${quantities.length} lines` : quantities.join(' + '),
  };
}

function causeText(
  { cause, before, after, model }: Cause,
  change: ChargeChange,
  { beforeMonth, afterMonth }: Pick<MonthComparison, 'beforeMonth' | 'afterMonth'>,
  currency: string,
): string {
  const line = change.after[0] ?? change.before[0];
  const { unit = null, meta = {} } = line ?? {};
  const values = (label: string, show: (value: string) => string, missing = 'none') => {
    const [now, old] = [after, before].map((value) => (value === null ? missing : show(value)));
    return `${label}: ${now}, before ${old}`;
  };
  const money = (cents: string) => formatAmount(brief(cents), currency);
  const quantity = (qty: string) => withUnit(qty, baseUnit(unit));
  switch (cause) {
    case 'deployment_added':
      return `No charge for this deployment in ${formatMonth(beforeMonth)}`;
    case 'deployment_removed':
      return `No charge for this deployment in ${formatMonth(afterMonth)}`;
    case 'added':
      return `Not charged in ${formatMonth(beforeMonth)}`;
    case 'removed':
      return `Not charged in ${formatMonth(afterMonth)}`;
    case 'one_off':
      return 'One-off';
    case 'plan': {
      const [now, old] = [change.after, change.before].map(planNames);
      if (now !== old) return `Plan: ${now}, before ${old}`;
      return values('Plan version', (ids) => ids.replaceAll(/[^,\s]+-v(?=\d+)/g, ''));
    }
    case 'price':
      return values(`Price ${perUnit(pricedUnit(unit, meta))}`, (cents) =>
        formatAmount(cents, currency),
      );
    case 'days':
      return values('Days billed', (share) => share.replace('/', ' of '));
    case 'count':
      return values('Number', groupDigits);
    case 'usage':
      return values('Used', quantity);
    case 'allowance':
      return values('Included', quantity);
    case 'cap':
      return values('Capped at', quantity, 'no cap');
    case 'requests':
      return values('Requests', groupDigits);
    case 'average_charge':
      return values('Average charge of a request', (cents) => formatMoney(cents, currency));
    case 'model':
      return values(model ?? OTHER_MODELS_TEXT, money);
    case 'tax_rate':
      return values('Rate', (rates) => rates.split(', ').map(formatPercent).join(', '));
  }
}

function planNames(lines: readonly UnplacedLine[]): string {
  return [...new Set(lines.map(({ meta }) => planName(meta) ?? ''))].join(', ');
}
