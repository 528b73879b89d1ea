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
const FIRST_US = BigInt(Date.UTC(2000, 0)) * 1000n;
const END_US = BigInt(Date.UTC(3000, 0)) * 1000n;

/** When a request started. */
export interface Started {
  /** UTC instant with six decimals, so that texts compare as instants do. */
  readonly instant: string;
  /**
   * Milliseconds since 1970, rounded half up. LiteLLM's own log has no more, because its column is a timestamp(3), and
   * PostgreSQL rounds like this.
   */
  readonly roundedMs: number;
}

/**
 * Reads LiteLLM's start time: seconds since 1970, of which it knows microseconds.
 * @returns null if it isn't a number, or not in the years 2000 to 2999
 */
export function toStarted(startTime: string): Started | null {
  const seconds = parseExactNumber(startTime);
  if (seconds === null || seconds.isNegative) return null;
  const us = scaleExactly(seconds, 6, 'half-up');
  if (us === null || us < FIRST_US || us >= END_US) return null;
  const toMs = new Date(Number(us / 1000n)).toISOString().slice(0, -1);
  return {
    instant: `${toMs}${(us % 1000n).toString().padStart(3, '0')}Z`,
    roundedMs: Number((us + 500n) / 1000n),
  };
}
