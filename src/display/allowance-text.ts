import { Decimal, toDecimalString } from '../domain/decimal.ts';
import { groupDigits } from '../domain/format.ts';
import { addonName, planName } from './names.ts';
import { shareText, textOf, type Meta } from './line-meta.ts';
import { baseUnit, withUnit } from './unit-words.ts';

interface OverageLine {
  readonly qty: string;
  readonly unit: string | null;
  readonly meta: Meta;
}

/**
 * Says how an overage quantity came about: what was used, included and capped, and, if anything was included for a part of
 * the month only, how the allowance adds up.
 */
export function allowanceDetails({ qty, unit, meta }: OverageLine): string[] {
  const [used, allowance] = [textOf(meta.used), textOf(meta.allowance)];
  if (used === '' || allowance === '') return [];
  const words = baseUnit(unit);
  // The cap limits the usage, so what is billed and what is included add up to it.
  const cap = toDecimalString(new Decimal(allowance).plus(qty));
  const capped = meta.capped === true ? `; capped at ${groupDigits(cap)}` : '';
  const parts = Array.isArray(meta.allowance_parts) ? (meta.allowance_parts as Meta[]) : [];
  return [
    `Used ${withUnit(used, words)}, of which ${allowance === '0' ? 'none' : groupDigits(allowance)} included${capped}`,
    ...(parts.length === 0 ? [] : [`Included: ${parts.map(partText).join(' + ')}`]),
  ];
}

/** `61.29 (Studio: 100 × 19 of 31 days)`, `50 (Extra storage)`. */
function partText(part: Meta): string {
  const name = addonName(part) ?? planName(part);
  const share = shareText(part);
  const how = share === null ? '' : `${groupDigits(textOf(part.monthly_qty))} × ${share}`;
  return `${groupDigits(brief(textOf(part.qty)))} (${[name, how].filter(Boolean).join(': ')})`;
}

/** Shortens a long decimal to two decimals, or to three digits if it is below 1. The exact sum is in the line above. */
export function brief(decimal: string): string {
  const exact = new Decimal(decimal);
  if (exact.decimalPlaces() <= 4) return decimal;
  return toDecimalString(
    exact.lessThan(1) ? exact.toSignificantDigits(3) : exact.toDecimalPlaces(2),
  );
}
