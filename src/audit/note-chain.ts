import type { AdjustedDocument } from '../db/invoices/verification.ts';
import type { ChargedSoFar } from '../domain/adjustment.ts';
import { sumCents } from '../domain/cents.ts';
import type { ComposedInvoice } from '../domain/compose-invoice.ts';
import { Decimal, sumDecimals } from '../domain/decimal.ts';
import { formatMoney } from '../domain/format.ts';
import { purposeOf, type PlacedLine } from '../domain/line-changes.ts';
import { differencesOf } from './document-differences.ts';

/** An invoice or one of its adjustment notes, as stored. A chain of them has the invoice, then its notes in order. */
export interface StoredDocument extends AdjustedDocument {
  readonly lines: readonly PlacedLine[];
}

/** Returns what the documents of a chain charge together, credits included. */
export function soFarOf(chain: readonly StoredDocument[]): ChargedSoFar {
  const aud = chain.find(({ tax }) => tax.aud !== null)?.tax.aud ?? null;
  return {
    taxableCents: sumCents(chain.map(({ taxableCents }) => taxableCents)),
    taxCents: sumCents(chain.map(({ taxCents }) => taxCents)),
    audRate: aud && { rate: aud.rate, source: aud.source },
  };
}

/** Returns a sentence for everything in which a note differs from its recomputation. */
export function differencesOfNote(note: StoredDocument, again: ComposedInvoice): readonly string[] {
  const { number, currency } = note;
  return differencesOf({ name: `adjustment note ${number}`, currency }, note, again);
}

/**
 * Returns a sentence for each purpose of which an invoice and its notes charge another quantity or amount than a fresh
 * composition. It knows nothing of how notes are computed, so that a mistake there is found as well.
 */
export function wrongSumsOf(
  { number, currency }: Pick<StoredDocument, 'number' | 'currency'>,
  charged: readonly PlacedLine[],
  fresh: readonly PlacedLine[],
): readonly string[] {
  const together = byPurpose(charged);
  const wanted = byPurpose(fresh);
  return [...new Set([...together.keys(), ...wanted.keys()])].flatMap((purpose) => {
    const found = sumOf(together.get(purpose));
    const right = sumOf(wanted.get(purpose));
    if (found.cents === right.cents && found.qty.equals(right.qty)) return [];
    const [line] = together.get(purpose) ?? wanted.get(purpose) ?? [];
    return [
      `up to adjustment note ${number}, ${line?.deploymentId}, ${line?.description}: ` +
        `${formatMoney(found.cents, currency)} charged, ${formatMoney(right.cents, currency)} composed`,
    ];
  });
}

/** Lines of deployments only: tax follows from all of them, and reruns leave invoice items alone. */
function byPurpose(lines: readonly PlacedLine[]) {
  return Map.groupBy(
    lines.filter(({ deploymentId }) => deploymentId !== null),
    purposeOf,
  );
}

function sumOf(lines: readonly PlacedLine[] = []) {
  return {
    cents: sumCents(lines.map(({ amountCents }) => amountCents)),
    qty: sumDecimals(lines.map(({ qty }) => new Decimal(qty))),
  };
}
