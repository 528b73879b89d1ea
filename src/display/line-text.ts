import { formatAmount, formatMoney, groupDigits } from '../domain/format.ts';
import { allowanceDetails } from './allowance-text.ts';
import { formatMonth, formatWholeMonth, NO_BREAK } from './dates.ts';
import { addonName, planName, resourceName } from './names.ts';
import { billedDays, shareOf, textOf, type Meta } from './line-meta.ts';
import { inPricedUnit, type Exact } from './priced-quantity.ts';
import { factorOf, perUnit, pricedUnit, type Words } from './unit-words.ts';

/**
 * How a person reads a line of an invoice or a quote. Documents, pages and the CLI all take their texts from here, so they
 * agree (docs/spec.md#how-lines-are-shown). Texts have no-break spaces where a line must not break.
 */

/** A line as the API serves it. */
export interface ShownLine {
  readonly kind: string;
  readonly resource_kind: string | null;
  readonly description: string;
  readonly qty: string;
  readonly unit: string | null;
  readonly unit_price_cents: string | number | null;
  readonly amount_cents: number;
  /** Absent on quotes, all of whose lines are taxable. */
  readonly taxable?: boolean;
  readonly meta: Meta;
}

/** A number and its unit, which may be empty. */
export interface Figure {
  readonly number: string;
  readonly unit: string;
}

export interface LineText {
  readonly name: string;
  /** In the unit that the price is for: `500` `× 1,000 tokens`, `2` `hours`, `19/31` `month`. */
  readonly quantity: Figure;
  /** `0.01` `per 1,000 tokens`; null if the amount isn't computed from a unit price. */
  readonly unitPrice: Figure | null;
  readonly amount: string;
  /** Sentences without full stop that explain the amount. */
  readonly details: readonly string[];
}

/** Returns the texts of a line. @throws RangeError unknown currency */
export function lineText(line: ShownLine, currency: string): LineText {
  const { unit, unit_price_cents, amount_cents, meta } = line;
  const words = pricedUnit(unit, meta);
  const quantity = pricedQuantity(line);
  return {
    name: nameOf(line),
    quantity: { number: exactText(quantity), unit: unitAfter(quantity, words) },
    unitPrice:
      unit_price_cents === null
        ? null
        : { number: formatAmount(unit_price_cents, currency), unit: perUnit(words) },
    amount: amountText(amount_cents, currency),
    details: detailsOf(line, currency),
  };
}

/** Returns the name of a line of LLM usage or overage from what the usage behind it says. */
export function usageLineName({
  source,
  unit,
  description,
  resource_name,
}: {
  readonly source: 'llm' | 'metered';
  /** Of metered usage: the resource kind. */
  readonly unit: string;
  readonly description: string;
  readonly resource_name: string | null;
}): string {
  if (source === 'metered') return `${resourceName(unit, { resource_name })} overage`;
  return description.replace(/\d{4}-\d{2}$/, formatMonth);
}

/** Returns number and unit as one text. */
export function joinFigure({ number, unit }: Figure): string {
  return [number, unit].filter(Boolean).join(' ');
}

/** Returns the texts of a line with the spaces and signs that keyboards have, for terminals and files that people search. */
export function plainLineText(...args: Parameters<typeof lineText>): LineText {
  const { name, quantity, unitPrice, amount, details } = lineText(...args);
  return {
    name: toPlainText(name),
    quantity: plainFigure(quantity),
    unitPrice: unitPrice && plainFigure(unitPrice),
    amount: toPlainText(amount),
    details: details.map(toPlainText),
  };
}

function plainFigure({ number, unit }: Figure): Figure {
  return { number, unit: toPlainText(unit) };
}

/** Returns the text with the spaces and signs that keyboards have. */
export function toPlainText(text: string): string {
  return text.replaceAll(NO_BREAK, ' ').replaceAll(/[−\u2011]/g, '-');
}

/** Returns an amount with a true minus sign. @throws RangeError unknown currency */
export function amountText(cents: number | string, currency: string): string {
  return formatAmount(cents, currency).replace('-', '−');
}

/** Formats a difference with its sign: `+12.50`, `−3.00` (a true minus), `0.00`. @throws RangeError unknown currency */
export function signedAmount(cents: number | string, currency: string): string {
  return BigInt(cents) > 0n ? `+${formatAmount(cents, currency)}` : amountText(cents, currency);
}

/**
 * Returns a line's quantity in the unit that its price is for, so that quantity × unit price is the amount before
 * rounding. A month of which only some days are billed is a quotient of days.
 */
export function pricedQuantity({ qty, unit, meta }: ShownLine): Exact {
  return shareOf(meta) ?? inPricedUnit(qty, factorOf(unit, meta));
}

/** Returns an exact number with grouped digits: `1,500.5`, `19/31`. */
function exactText({ dividend, divisor }: Exact): string {
  return divisor === '1'
    ? groupDigits(dividend)
    : `${groupDigits(dividend)}/${groupDigits(divisor)}`;
}

function unitAfter({ dividend, divisor }: Exact, words: Words | null): string {
  if (words === null) return '';
  if (words.many === null) return `×${NO_BREAK}${words.one}`;
  // Part of a month is "19/31 month", but "0.5 hours" have a plural.
  const isOne = dividend === '1' && divisor === '1';
  return isOne || divisor !== '1' ? words.one : words.many;
}

function nameOf(line: ShownLine): string {
  const { kind, resource_kind, description, meta } = line;
  switch (kind) {
    case 'plan_base': {
      const plan = planName(meta);
      return plan === null ? description : `Plan: ${plan}`;
    }
    case 'addon': {
      const addon = addonName(meta);
      return addon === null ? description : `Addon: ${addon}`;
    }
    case 'overage':
      return `${resourceName(resource_kind, meta)} overage`;
    case 'llm_usage': {
      const month = textOf(meta.service_month);
      return month === '' ? description : `LLM usage, late for ${formatMonth(month)}`;
    }
    case 'credit': {
      const credited = description.replace(/^Credit: /, '');
      const kind = textOf(meta.credited_kind);
      return `Credit: ${nameOf({ ...line, kind, description: credited })}`;
    }
    default:
      return description;
  }
}

function detailsOf(line: ShownLine, currency: string): readonly string[] {
  const { kind, resource_kind, meta } = line;
  switch (kind) {
    case 'plan_base':
      return billedDays(meta);
    case 'addon': {
      const adds = textOf(meta.included_qty);
      return [
        ...billedDays(meta),
        ...(adds === '' || adds === '0' || resource_kind === null
          ? []
          : [
              `Raises the monthly allowance of ${resourceName(resource_kind, meta)} by ${groupDigits(adds)}`,
            ]),
      ];
    }
    case 'llm_usage': {
      const [exact, month] = [textOf(meta.exact_cents), textOf(meta.service_month)];
      return [
        ...(month === '' ? [] : [`Service period ${formatWholeMonth(month)}`]),
        ...(exact.includes('.') ? [`Before rounding: ${formatMoney(exact, currency)}`] : []),
      ];
    }
    case 'overage':
      return allowanceDetails(line);
    case 'item': {
      const [month, whole] = [textOf(meta.item_month), textOf(meta.item_cents)];
      return [
        ...(month === '' ? [] : [`For ${formatMonth(month)}`]),
        ...(whole === '' ? [] : [`Part of a credit of ${formatMoney(whole.slice(1), currency)}`]),
        ...(line.taxable === false ? ['Not taxable'] : []),
      ];
    }
    default:
      return [];
  }
}
