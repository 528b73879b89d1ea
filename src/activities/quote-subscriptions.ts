import type {
  DraftToQuote,
  QuoteSubscriptionsInput,
  QuoteSubscriptionsResult,
} from '../contracts/activity-types.ts';
import {
  readQuoteInputs,
  type DraftDeployment,
  type QuoteInputs,
} from '../db/invoices/draft-chunks.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import { learnPlanVersions, planVersionsOf } from '../db/invoices/quote-inputs.ts';
import { deploymentLines } from '../domain/deployment-lines.ts';
import { billedDeployment, type BillingMonth } from '../domain/service-days.ts';
import type { PlanVersion } from '../domain/types.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod, splitLost } from './activity-failures.ts';
import { writeLines, type ComputedLines } from './write-lines.ts';

/** Maximum number of deployments per call, which limits its time and memory. */
const CHUNK = 500;

/**
 * Quotes the next deployments of the drafts from their actual usage (docs/spec.md#month-end) and writes the recurring and
 * overage lines, as one document per draft, with the subscriptions and days that they were computed from. A retry keeps
 * what an earlier attempt wrote and reports the same. Bad data parks only its own tenant.
 */
export function quoteSubscriptions({ db }: ActivityDeps) {
  const planVersions = new Map<string, PlanVersion>();

  return async (input: QuoteSubscriptionsInput): Promise<QuoteSubscriptionsResult> => {
    const { owner, drafts } = input;
    const period = await requirePeriod(db, input.month);
    const month = { period, calendar: await loadCalendar(db), planVersions };
    const inputs = await readQuoteInputs(db, period, owner, drafts, CHUNK);
    await learnPlanVersions(db, planVersions, planVersionsOf(inputs.deployments));
    const { own, lost } = splitLost(drafts, ({ draftId }) => inputs.own.has(draftId));
    const reached = reachedDrafts(own, inputs.deployments);
    const { written, parked, lines } = await writeLines(
      db,
      owner,
      'quote',
      reached.map(({ draft, deployments, upTo }) => ({
        draft,
        after: draft.after ?? null,
        upTo,
        compute: () => computeLines(deployments, month, inputs),
      })),
    );
    return {
      parked: [...parked, ...lost],
      unfinished: [
        ...written.flatMap(({ draft, upTo }): readonly DraftToQuote[] =>
          upTo === null ? [] : [{ ...draft, after: upTo }],
        ),
        ...own.slice(reached.length),
      ],
      subscriptions: inputs.deployments.reduce((sum, each) => sum + each.subscriptions.length, 0),
      lines,
    };
  };
}

/** The part of a draft that this call quotes. */
interface Reached {
  readonly draft: DraftToQuote;
  readonly deployments: readonly DraftDeployment[];
  /** The last deployment of this part; null: it is the draft's last part. */
  readonly upTo: string | null;
}

/** Deployments are in the order of the drafts. If the chunk is full, later drafts wait for the next call. */
function reachedDrafts(
  own: readonly DraftToQuote[],
  deployments: readonly DraftDeployment[],
): readonly Reached[] {
  const byDraft = Map.groupBy(deployments, ({ draftId }) => draftId);
  const last = deployments.length < CHUNK ? undefined : deployments.at(-1);
  const end = own.findIndex(({ draftId }) => draftId === last?.draftId);
  return (end === -1 ? own : own.slice(0, end + 1)).map((draft) => ({
    draft,
    deployments: byDraft.get(draft.draftId) ?? [],
    upTo: draft.draftId === last?.draftId ? last.deploymentId : null,
  }));
}

/** @throws DomainError if the tenant's data is bad */
function computeLines(
  deployments: readonly DraftDeployment[],
  month: BillingMonth,
  { own, usage }: QuoteInputs,
): ComputedLines {
  const composed = deployments.map((deployment) => {
    const currency = own.get(deployment.draftId)?.currency;
    const billed = billedDeployment({ ...deployment, currency }, month);
    const used = usage.get(deployment.deploymentId) ?? {};
    return { billed, lines: deploymentLines(billed, { ...month, usage: used }) };
  });
  return {
    lines: composed.flatMap(({ lines }) => lines),
    deployments: composed.map(({ billed }) => billed),
  };
}
