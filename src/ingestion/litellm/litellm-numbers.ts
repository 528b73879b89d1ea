import { minorUnitDecimals } from '../../domain/currency.ts';
import { parseExactNumber, scaleExactly, type ExactNumber } from './exact-number.ts';

/** Decimals of a minor unit that the ledger keeps. */
const CHARGE_DECIMALS = 12;
/** The ledger takes less than 10^12 minor units. */
const CHARGE_END = 10n ** 24n;

/** A charge in minor units. */
export interface Charge {
  /** Decimal string. */
  readonly charge: string;
  /** Whether rounding changed it. */
  readonly isRounded: boolean;
}

/**
 * Converts a cost to minor units: × 100 for currencies with cents. Exact, then rounded half to even to 12 decimals, which
 * removes the noise of LiteLLM's binary floats.
 * @param cost not negative, in units of the currency
 * @returns null beyond 12 digits before the point
 */
export function toChargeCents(cost: ExactNumber, currency: string): Charge | null {
  const places = minorUnitDecimals(currency) + CHARGE_DECIMALS;
  const units = scaleExactly(cost, places, 'half-even');
  if (units === null || units >= CHARGE_END) return null;
  return { charge: toDecimalText(units), isRounded: !isExactly(units, cost, places) };
}

function toDecimalText(units: bigint): string {
  const digits = units.toString().padStart(CHARGE_DECIMALS + 1, '0');
  const whole = digits.slice(0, -CHARGE_DECIMALS);
  const fraction = digits.slice(-CHARGE_DECIMALS).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

function isExactly(units: bigint, cost: ExactNumber, places: number): boolean {
  const power = cost.exponent + places;
  // With a non-negative power nothing was rounded.
  if (power >= 0) return true;
  return units === 0n ? cost.digits === 0n : units * 10n ** BigInt(-power) === cost.digits;
}

/** The years that the ledger takes. */
const FIRST_MS = Date.UTC(2000, 0);
const END_MS = Date.UTC(3000, 0);

/**
 * Converts LiteLLM's start time, seconds since 1970, to whole milliseconds: the precision of its own log.
 * @returns null if it isn't a number, or not in the years 2000 to 2999
 */
export function toStartedMs(startTime: string): number | null {
  const seconds = parseExactNumber(startTime);
  if (seconds === null || seconds.isNegative) return null;
  const ms = scaleExactly(seconds, 3, 'down');
  return ms === null || ms < FIRST_MS || ms >= END_MS ? null : Number(ms);
}
