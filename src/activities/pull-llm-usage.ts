import type { DraftsInput, PullLlmUsageResult } from '../contracts/activities.ts';
import { LLM_SECTION, replaceDraftLines } from '../db/draft-lines.ts';
import { lockDrafts } from '../db/drafts.ts';
import { heldByDrafts, readLlmUsage } from '../db/held-usage.ts';
import { llmUsageLine } from '../domain/llm-lines.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod, splitByOwner } from './failures.ts';
import { orParked } from './results.ts';

/**
 * Pulls the drafts' LLM usage, which the gateway has priced: a line per deployment
 * and service month, the exact charges summed and rounded once. Trying again
 * writes the same lines in place of the first ones.
 */
export function pullLlmUsage({ db }: ActivityDeps) {
  return async (input: DraftsInput): Promise<PullLlmUsageResult> => {
    const { month } = requirePeriod(input.month);
    return db.transaction(async (tx) => {
      const locked = await lockDrafts(tx, input.drafts);
      const { own, lost } = splitByOwner(input.drafts, locked, input.owner);
      const usage = await readLlmUsage(tx, heldByDrafts(own));
      const tenantOf = new Map(own.map(({ draftId, tenantId }) => [draftId, tenantId]));
      const lines = [...Map.groupBy(usage, (row) => `${row.owner}/${row.deploymentId}`).values()]
        .flatMap((ofDeployment) => ofDeployment.map((row, index) => ({ row, position: index + 1 })))
        .map(({ row, position }) =>
          orParked(tenantOf.get(row.owner) ?? '', () => ({
            ...llmUsageLine({ ...row, invoiceMonth: month }),
            draftId: row.owner,
            deploymentId: row.deploymentId,
            subscriptionId: null,
            position,
          })),
        );
      await replaceDraftLines(
        tx,
        LLM_SECTION,
        own.map(({ draftId }) => draftId),
        { after: null, upTo: null },
        lines.flatMap((line) => ('value' in line ? line.value : [])),
      );
      return {
        parked: [...lost, ...lines.flatMap((line) => ('parked' in line ? line.parked : []))],
      };
    });
  };
}
