// RFC 3339. Temporal would do, at 14 µs an instant: too slow for bursts of events.
const INSTANT =
  /^(?<date>2\d{3}-\d{2}-\d{2})[Tt](?<time>\d{2}:\d{2}:\d{2})(?:\.(?<fraction>\d{1,9}))?(?<offset>[Zz]|[+-]\d{2}:\d{2})$/;

/** What INSTANT finds. */
interface Parts {
  readonly date: string;
  readonly time: string;
  readonly fraction?: string;
  readonly offset: string;
}

/** An instant in UTC, in the forms that the ledger needs. */
export interface UtcInstant {
  /** All its digits, none of them superfluous: the same instant is the same text. */
  readonly text: string;
  /** To the microsecond, which is what PostgreSQL keeps; digits below are cut off. */
  readonly stored: string;
  /** First day of its month, `2026-05-01`. */
  readonly monthStart: string;
  /** When its second began: digits below are cut off. */
  readonly epochMs: number;
}

/**
 * Reads an RFC 3339 instant of the years 2000 to 2999, with `Z` or an offset.
 * @returns null where it isn't one; a leap second (`:60`) isn't
 */
export function parseUtcInstant(text: string): UtcInstant | null {
  const parts = INSTANT.exec(text)?.groups as Parts | undefined;
  if (parts === undefined) return null;
  const { date, time, fraction = '', offset } = parts;
  const local = `${date}T${time}`;
  // Date.parse lets 30 February roll over into March: what it read must be what was written.
  if (toSeconds(Date.parse(`${local}Z`)) !== local) return null;
  const epochMs = Date.parse(`${local}${offset.toUpperCase()}`);
  const seconds = toSeconds(epochMs);
  // An offset may lead out of the years.
  if (!seconds?.startsWith('2')) return null;
  return {
    text: withFraction(seconds, fraction),
    stored: withFraction(seconds, fraction.slice(0, 6)),
    monthStart: `${seconds.slice(0, '2026-05'.length)}-01`,
    epochMs,
  };
}

/**
 * Where an instant lies, to all its digits.
 * @returns below 0 before the moment, 0 at it, above 0 after it
 */
export function compareWithEpochMs({ text, epochMs }: UtcInstant, otherMs: number): number {
  const [, fraction = ''] = /\.(\d+)Z$/.exec(text) ?? [];
  // Nanoseconds: not exact far away, where the sign alone counts.
  return (epochMs - otherMs) * 1e6 + Number(fraction.padEnd(9, '0'));
}

function toSeconds(epochMs: number): string | null {
  if (Number.isNaN(epochMs)) return null;
  return new Date(epochMs).toISOString().slice(0, '2026-05-31T23:59:59'.length);
}

function withFraction(seconds: string, digits: string): string {
  const significant = digits.replace(/0+$/, '');
  return significant === '' ? `${seconds}Z` : `${seconds}.${significant}Z`;
}
