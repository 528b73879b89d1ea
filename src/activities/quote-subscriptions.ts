import type {
  QuoteCursor,
  QuoteSubscriptionsInput,
  QuoteSubscriptionsResult,
} from '../contracts/activities.ts';
import { QUOTE_SECTION, replaceDraftLines, type DraftLine } from '../db/draft-lines.ts';
import { lockDrafts, type LockedDraft } from '../db/drafts.ts';
import { heldByDrafts, readMeteredUsage } from '../db/held-usage.ts';
import { learnPlanVersions, nextSubscriptions, type DueSubscription } from '../db/quote-inputs.ts';
import { subscriptionLines } from '../domain/subscription-lines.ts';
import type { PlanVersion, Usage } from '../domain/types.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod, splitByOwner } from './failures.ts';
import { orParked } from './results.ts';

/** Subscriptions that one call quotes: a bound on its time and memory. */
const CHUNK = 500;

/**
 * Quotes the next chunk of the drafts' subscriptions from their actual usage, and
 * writes the recurring and overage lines. Trying again writes the same lines in
 * place of the first ones. Bad data parks its own tenant only.
 */
export function quoteSubscriptions({ db }: ActivityDeps) {
  const planVersions = new Map<string, PlanVersion>();

  return async (input: QuoteSubscriptionsInput): Promise<QuoteSubscriptionsResult> => {
    const period = requirePeriod(input.month);
    return db.transaction(async (tx) => {
      const locked = await lockDrafts(tx, input.drafts);
      const { own, lost } = splitByOwner(input.drafts, locked, input.owner);
      const subscriptions = await nextSubscriptions(tx, period, own, input.after, CHUNK);
      const deploymentIds = subscriptions.map(({ deploymentId }) => deploymentId);
      const usage = await readMeteredUsage(tx, period, heldByDrafts(own), deploymentIds);
      await learnPlanVersions(
        tx,
        planVersions,
        subscriptions.flatMap(({ planVersionId }) => planVersionId ?? []),
      );

      const draftById = new Map(own.map((draft) => [draft.draftId, draft]));
      const quoted = subscriptions.map((subscription) =>
        orParked(subscription.tenantId, () =>
          quoteLines(
            subscription,
            draftById.get(subscription.draftId),
            planVersions,
            usage.get(subscription.deploymentId) ?? {},
          ),
        ),
      );
      const last = subscriptions.at(-1);
      const next = last && subscriptions.length === CHUNK ? cursorOf(last) : null;
      await replaceDraftLines(
        tx,
        QUOTE_SECTION,
        own.map(({ draftId }) => draftId),
        { after: input.after, upTo: next },
        quoted.flatMap((result) => ('value' in result ? result.value : [])),
      );

      return {
        parked: [...lost, ...quoted.flatMap((result) => ('parked' in result ? result.parked : []))],
        next,
      };
    });
  };
}

function cursorOf({ draftId, deploymentId }: DueSubscription): QuoteCursor {
  return { draftId, deploymentId };
}

/** The lines of one subscription at their places in its draft. */
function quoteLines(
  subscription: DueSubscription,
  draft: LockedDraft | undefined,
  planVersions: ReadonlyMap<string, PlanVersion>,
  usage: Usage,
): readonly DraftLine[] {
  const { draftId, deploymentId, subscriptionId } = subscription;
  return subscriptionLines(subscription, draft?.currency, planVersions, usage).map(
    (line, index) => ({ ...line, draftId, deploymentId, subscriptionId, position: index + 1 }),
  );
}
