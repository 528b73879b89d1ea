import { readInvoiceLines } from '../db/invoices/invoices.ts';
import { nextAdjusted, type AdjustedDocument } from '../db/invoices/verification.ts';
import { readTouchedUsage } from '../db/invoices/verification-usage.ts';
import type { Queryable } from '../db/pool.ts';
import { DomainError } from '../domain/errors.ts';
import type { PlacedLine } from '../domain/line-changes.ts';
import type { Period } from '../domain/period.ts';
import type { PlanVersion } from '../domain/types.ts';
import { composeNote } from './compose-note.ts';
import { differencesOfNote, soFarOf, wrongSumsOf, type StoredDocument } from './note-chain.ts';
import { readToRecompose } from './recompose.ts';
import { checkCredit } from './recompute-credits.ts';

/** Adjusted invoices that are computed together; limits memory use. */
const PAGE_SIZE = 100;

/** What is wrong with the adjustment notes, in sentences. */
export interface RecomputedNotes {
  readonly wrongLines: readonly string[];
  /** Where invoice and notes don't add up to a fresh composition. */
  readonly wrongSums: readonly string[];
  readonly wrongCredits: readonly string[];
}

const KINDS = ['wrongLines', 'wrongSums', 'wrongCredits'] as const;

/**
 * Recomputes every adjustment note of the month, from the usage that its invoice and their notes hold up to it.
 * @param planVersions known versions; missing ones are added
 */
export async function recomputeNotes(
  db: Queryable,
  period: Period,
  planVersions: Map<string, PlanVersion>,
): Promise<RecomputedNotes> {
  const found: Record<(typeof KINDS)[number], string[]> = {
    wrongLines: [],
    wrongSums: [],
    wrongCredits: [],
  };
  for (let after: string | null = null; ;) {
    const page = await nextAdjusted(db, period, { after, limit: PAGE_SIZE });
    after = [...page.keys()].at(-1) ?? null;
    if (after === null) return found;
    const chains = await readChains(db, [...page.values()]);
    const longest = Math.max(...chains.map(({ length }) => length));
    // An invoice is followed by its notes. Of each tenant, one note is computed at a time.
    for (let at = 1; at < longest; at += 1) {
      const chainsUpTo = chains
        .filter(({ length }) => length > at)
        .map((chain) => chain.slice(0, at + 1));
      for (const problems of await recomputeLast(db, period, chainsUpTo, planVersions)) {
        for (const kind of KINDS) found[kind].push(...(problems[kind] ?? []));
      }
    }
  }
}

async function readChains(
  db: Queryable,
  chains: readonly (readonly AdjustedDocument[])[],
): Promise<readonly (readonly StoredDocument[])[]> {
  const lines = await readInvoiceLines(
    db,
    chains.flat().map(({ invoiceId }) => invoiceId),
  );
  return chains.map((chain) =>
    chain.map((document) => ({ ...document, lines: lines.get(document.invoiceId) ?? [] })),
  );
}

/** Recomputes the last document of each chain: a note, of a rerun or of a credit. */
async function recomputeLast(
  db: Queryable,
  period: Period,
  chains: readonly (readonly StoredDocument[])[],
  planVersions: Map<string, PlanVersion>,
): Promise<readonly Partial<RecomputedNotes>[]> {
  const reruns = chains.filter((chain) => chain.at(-1)?.origin === 'rerun');
  const credits = chains.filter((chain) => chain.at(-1)?.origin === 'credit');
  return [
    ...credits.map((chain) => inWords(chain, () => checkCredit(chain, period))),
    ...(reruns.length === 0 ? [] : await recomputeReruns(db, period, reruns, planVersions)),
  ];
}

async function recomputeReruns(
  db: Queryable,
  period: Period,
  chains: readonly (readonly StoredDocument[])[],
  planVersions: Map<string, PlanVersion>,
): Promise<readonly Partial<RecomputedNotes>[]> {
  const holders = chains.flatMap((chain) =>
    chain
      .filter(({ origin }) => origin !== 'credit')
      .map(({ invoiceId }) => ({ owner: chain.at(-1)?.invoiceId ?? invoiceId, invoiceId })),
  );
  const recompose = await readToRecompose(db, period, holders, planVersions);
  const noteIds = chains.flatMap((chain) => chain.at(-1)?.invoiceId ?? []);
  const touched = await readTouchedUsage(db, noteIds);
  return chains.map((chain) =>
    inWords(chain, (note) => {
      const terms = {
        period,
        currency: note.currency,
        tax: { ...note.tax, audRate: note.tax.aud },
      };
      // Untaxed: only its deployments' lines are used, and a note without tax keeps no exchange rate.
      const fresh = recompose(note.invoiceId, {
        currency: note.currency,
        tax: { ...terms.tax, sellerRegistered: false },
        items: [],
      });
      if (fresh === null) {
        return { wrongLines: [`the composition of adjustment note ${note.number} is not valid`] };
      }
      const again = composeNote({
        ...terms,
        before: linesOfReruns(chain.slice(0, -1)),
        after: fresh.lines,
        soFar: soFarOf(chain.slice(0, -1)),
        touched: touched.get(note.invoiceId) ?? [],
      });
      return {
        wrongLines: differencesOfNote(note, again),
        wrongSums: wrongSumsOf(note, linesOfReruns(chain).flat(), fresh.lines),
      };
    }),
  );
}

function linesOfReruns(chain: readonly StoredDocument[]): readonly (readonly PlacedLine[])[] {
  return chain.filter(({ origin }) => origin !== 'credit').map(({ lines }) => lines);
}

/** Says so if a chain's last note can't be computed at all. */
function inWords(
  chain: readonly StoredDocument[],
  check: (note: StoredDocument) => Partial<RecomputedNotes>,
): Partial<RecomputedNotes> {
  const note = chain.at(-1);
  if (note === undefined) return {};
  try {
    return check(note);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return {
      wrongLines: [`adjustment note ${note.number} can't be computed again: ${error.message}`],
    };
  }
}
