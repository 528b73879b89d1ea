import { formatMoney, groupDigits } from '../domain/format.ts';
import type { QuarantineReason } from '../domain/quarantine.ts';

/** How people read the quarantine. */

/** Held events of one reason and currency. */
interface HeldCount {
  readonly held_for: QuarantineReason;
  readonly currency: string | null;
  readonly events: number;
  readonly charge_cents: string;
}

/** `unknown tenant`. */
export function reasonText(reason: QuarantineReason): string {
  return reason.replaceAll('_', ' ');
}

/** The charge of an event: `USD 0.0125`; empty if it couldn't be read. */
export function chargeText({
  charge_cents: charge,
  currency,
}: {
  readonly charge_cents: string | null;
  readonly currency: string | null;
}): string {
  if (charge === null) return '';
  // Minor units, because the currency decides how many decimals they have.
  return currency === null ? `${groupDigits(charge)} minor units` : formatMoney(charge, currency);
}

/** Held events in a sentence: `12 for unknown tenant (USD 0.35), 3 for malformed`. */
export function heldText(counts: readonly HeldCount[]): string {
  return [...Map.groupBy(counts, ({ held_for }) => held_for)]
    .map(([reason, rows]) => {
      const events = rows.reduce((sum, row) => sum + row.events, 0);
      const charges = rows.filter(({ charge_cents }) => charge_cents !== '0').map(chargeText);
      const money = charges.length === 0 ? '' : ` (${charges.join(', ')})`;
      return `${groupDigits(events)} for ${reasonText(reason)}${money}`;
    })
    .join(', ');
}
