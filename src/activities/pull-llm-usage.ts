import type { DraftsInput, PullLlmUsageResult } from '../contracts/activity-types.ts';
import { readLlmInputs } from '../db/invoices/draft-chunks.ts';
import { llmUsageLine } from '../domain/llm-lines.ts';
import { requirePeriod, splitLost } from './activity-failures.ts';
import type { ActivityDeps } from './deps.ts';
import { writeLines } from './write-lines.ts';

/**
 * Pulls the drafts' LLM usage, which the gateway has priced, and writes a line for each deployment and service month:
 * the exact charges are summed and rounded once (docs/spec.md#month-end). A retry keeps what an earlier attempt wrote.
 */
export function pullLlmUsage({ db }: ActivityDeps) {
  return async ({ month, owner, drafts }: DraftsInput): Promise<PullLlmUsageResult> => {
    const { month: invoiceMonth } = await requirePeriod(db, month);
    const inputs = await readLlmInputs(db, owner, drafts);
    const usage = Map.groupBy(inputs.usage, (row) => row.owner);
    const { own, lost } = splitLost(drafts, ({ draftId }) => inputs.own.has(draftId));
    const { parked, lines } = await writeLines(
      db,
      owner,
      'llm',
      own.map((draft) => ({
        draft,
        after: null,
        upTo: null,
        compute: () => ({
          lines: (usage.get(draft.draftId) ?? []).map((row) => ({
            ...llmUsageLine({ ...row, invoiceMonth }),
            deploymentId: row.deploymentId,
            subscriptionId: null,
          })),
          deployments: null,
        }),
      })),
    );
    const requests = inputs.usage.reduce((sum, row) => sum + BigInt(row.requestCount), 0n);
    return { parked: [...parked, ...lost], requests: String(requests), lines };
  };
}
