import type {
  DraftToQuote,
  QuoteSubscriptionsInput,
  QuoteSubscriptionsResult,
} from '../contracts/activity-types.ts';
import {
  readQuoteInputs,
  type DraftSubscription,
  type QuoteInputs,
} from '../db/invoices/draft-chunks.ts';
import { learnPlanVersions } from '../db/invoices/quote-inputs.ts';
import type { DeploymentLine } from '../domain/deployment-lines.ts';
import { subscriptionLines } from '../domain/subscription-lines.ts';
import type { PlanVersion } from '../domain/types.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod, splitLost } from './activity-failures.ts';
import { writeLines } from './write-lines.ts';

/** Maximum number of subscriptions per call, which limits its time and memory. */
const CHUNK = 500;

/**
 * Quotes the next subscriptions of the drafts from their actual usage (docs/spec.md#month-end) and writes the recurring
 * and overage lines, as one document per draft. A retry keeps what an earlier attempt wrote and reports the same. Bad
 * data parks only its own tenant.
 */
export function quoteSubscriptions({ db }: ActivityDeps) {
  const planVersions = new Map<string, PlanVersion>();

  return async (input: QuoteSubscriptionsInput): Promise<QuoteSubscriptionsResult> => {
    const { owner, drafts } = input;
    const inputs = await readQuoteInputs(
      db,
      await requirePeriod(db, input.month),
      owner,
      drafts,
      CHUNK,
    );
    await learnPlanVersions(
      db,
      planVersions,
      inputs.subscriptions.flatMap(({ planVersionId }) => planVersionId ?? []),
    );
    const { own, lost } = splitLost(drafts, ({ draftId }) => inputs.own.has(draftId));
    const reached = reachedDrafts(own, inputs.subscriptions);
    const { written, parked, lines } = await writeLines(
      db,
      owner,
      'quote',
      reached.map(({ draft, subscriptions, upTo }) => ({
        draft,
        after: draft.after ?? null,
        upTo,
        computeLines: () => subscriptions.flatMap((each) => quoteLines(each, inputs, planVersions)),
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
      subscriptions: inputs.subscriptions.length,
      lines,
    };
  };
}

/** The part of a draft that this call quotes. */
interface Reached {
  readonly draft: DraftToQuote;
  readonly subscriptions: readonly DraftSubscription[];
  /** The last deployment of this part; null: it is the draft's last part. */
  readonly upTo: string | null;
}

/** Subscriptions are in the order of the drafts. If the chunk is full, later drafts wait for the next call. */
function reachedDrafts(
  own: readonly DraftToQuote[],
  subscriptions: readonly DraftSubscription[],
): readonly Reached[] {
  const byDraft = Map.groupBy(subscriptions, ({ draftId }) => draftId);
  const last = subscriptions.length < CHUNK ? undefined : subscriptions.at(-1);
  const end = own.findIndex(({ draftId }) => draftId === last?.draftId);
  return (end === -1 ? own : own.slice(0, end + 1)).map((draft) => ({
    draft,
    subscriptions: byDraft.get(draft.draftId) ?? [],
    upTo: draft.draftId === last?.draftId ? last.deploymentId : null,
  }));
}

function quoteLines(
  subscription: DraftSubscription,
  { own, usage }: QuoteInputs,
  planVersions: ReadonlyMap<string, PlanVersion>,
): readonly DeploymentLine[] {
  const { draftId, deploymentId, subscriptionId } = subscription;
  const currency = own.get(draftId)?.currency;
  return subscriptionLines(subscription, currency, planVersions, usage.get(deploymentId) ?? {}).map(
    (line) => ({ ...line, deploymentId, subscriptionId }),
  );
}
