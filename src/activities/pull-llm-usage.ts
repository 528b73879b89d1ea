import type { DraftsInput, PullLlmUsageResult } from '../contracts/activity-types.ts';
import { readLlmInputs, writeChunks, type Chunk } from '../db/invoices/draft-chunks.ts';
import { llmUsageLine } from '../domain/llm-lines.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod, splitLost } from './activity-failures.ts';
import { orParked, splitParked } from './tenant-results.ts';

/**
 * Pulls the drafts' LLM usage, which the gateway has priced, and writes a line for each deployment and service month:
 * the exact charges are summed and rounded once (docs/spec.md#month-end). A retry keeps what an earlier attempt wrote.
 */
export function pullLlmUsage({ db }: ActivityDeps) {
  return async ({ month, owner, drafts }: DraftsInput): Promise<PullLlmUsageResult> => {
    const { month: invoiceMonth } = requirePeriod(month);
    const { own, usage } = await readLlmInputs(db, owner, drafts);
    const byDraft = Map.groupBy(usage, (row) => row.owner);
    const isOwn = new Set(own);
    const { values: chunks, parked } = splitParked(
      drafts
        .filter(({ draftId }) => isOwn.has(draftId))
        .map(({ tenantId, draftId }) =>
          orParked(tenantId, (): Chunk => ({
            draftId,
            after: null,
            upTo: null,
            lines: (byDraft.get(draftId) ?? []).map((row) => ({
              ...llmUsageLine({ ...row, invoiceMonth }),
              deploymentId: row.deploymentId,
              subscriptionId: null,
            })),
          })),
        ),
    );
    const written = await writeChunks(db, owner, 'llm', chunks);
    const isParked = new Set(parked.map(({ tenantId }) => tenantId));
    const isWritten = new Set(written.map(({ draftId }) => draftId));
    const { lost } = splitLost(
      drafts.filter(({ tenantId }) => !isParked.has(tenantId)),
      ({ draftId }) => isWritten.has(draftId),
    );
    return {
      parked: [...parked, ...lost],
      requests: String(usage.reduce((sum, row) => sum + BigInt(row.requestCount), 0n)),
      lines: chunks.reduce((sum, { lines }) => sum + lines.length, 0),
    };
  };
}
