import type { DraftRef, TenantResult } from '../contracts/month-end-types.ts';
import { writeChunks, type Chunk, type Section } from '../db/invoices/draft-chunks.ts';
import type { Queryable } from '../db/pool.ts';
import { splitLost } from './activity-failures.ts';
import { orParked, splitParked } from './tenant-results.ts';

/** Lines, and what quotes were computed from besides usage (null for LLM usage). */
export type ComputedLines = Pick<Chunk, 'lines' | 'deployments'>;

/** A draft whose next lines are to be computed. */
export interface DraftToWrite<Draft extends DraftRef> extends Pick<Chunk, 'after' | 'upTo'> {
  readonly draft: Draft;
  /** @throws DomainError if the tenant's data is bad: it parks the tenant */
  readonly compute: () => ComputedLines;
}

export interface WrittenLines<Draft extends DraftRef> {
  /** Drafts whose lines are stored, with the deployment up to which they reach; null: to the end. */
  readonly written: readonly { readonly draft: Draft; readonly upTo: string | null }[];
  /** Tenants with bad data, and those whose draft another run has taken over. */
  readonly parked: readonly TenantResult[];
  /** How many lines were computed. */
  readonly lines: number;
}

/**
 * Computes the next lines of drafts and stores them, one chunk per draft. If an earlier attempt has stored a chunk,
 * that one counts.
 */
export async function writeLines<Draft extends DraftRef>(
  db: Queryable,
  owner: string,
  section: Section,
  drafts: readonly DraftToWrite<Draft>[],
): Promise<WrittenLines<Draft>> {
  const computed = splitParked(
    drafts.map(({ draft, after, upTo, compute }) =>
      orParked(draft.tenantId, () => ({
        draft,
        chunk: { draftId: draft.draftId, after, upTo, ...compute() },
      })),
    ),
  );
  const chunks = computed.values.map(({ chunk }) => chunk);
  const stored = await writeChunks(db, owner, section, chunks);
  const ends = new Map(stored.map(({ draftId, upTo }) => [draftId, upTo]));
  const { own, lost } = splitLost(
    computed.values.map(({ draft }) => draft),
    ({ draftId }) => ends.has(draftId),
  );
  return {
    written: own.map((draft) => ({ draft, upTo: ends.get(draft.draftId) ?? null })),
    parked: [...computed.parked, ...lost],
    lines: chunks.reduce((sum, { lines }) => sum + lines.length, 0),
  };
}
