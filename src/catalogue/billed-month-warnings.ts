import type { MonthOfTenant } from '../db/month-end/billed-months.ts';
import type { BillingCalendar } from '../domain/billing-calendar.ts';
import type { Period } from '../domain/period.ts';
import type { StoredAddon } from '../db/catalogue/stored-subscriptions.ts';
import type { Remark } from './apply-error.ts';
import { isBefore } from './catalogue-fields.ts';
import type { CurrentSubscriptions, PlacedSubscription } from './placed-subscription.ts';

/** When something is in force: `[startsAt, endsAt)`. */
interface Span {
  readonly startsAt: string | null;
  readonly endsAt: string | null;
}

/** A subscription or an addon that is added, starts or ends at another instant, or gets a plan. */
export interface Move {
  readonly path: readonly PropertyKey[];
  readonly tenantId: string;
  /** `subscription acme-web-1`, `addon gb of subscription acme-web-1`. */
  readonly what: string;
  /** When it was in force; null: it didn't exist. */
  readonly before: Span | null;
  readonly after: Span;
  /** Whether its terms change, so that every month in which it is in force changes. */
  readonly hasNewTerms: boolean;
}

/** Returns what changes of a subscription and of these addons. */
export function movesOf(
  { path, wanted }: PlacedSubscription,
  current: CurrentSubscriptions,
  addons: readonly StoredAddon[],
): readonly Move[] {
  const { subscriptionId, tenantId } = wanted;
  const known = current.subscriptions.get(subscriptionId) ?? null;
  const what = `subscription ${subscriptionId}`;
  const stored = new Map(
    current.addons.get(subscriptionId)?.map((addon) => [addon.position, addon]),
  );
  const hasNewTerms = known !== null && known.planVersionId !== wanted.planVersionId;
  const own: Move = {
    path: [...path, fieldOf(known, wanted, hasNewTerms)],
    tenantId,
    what,
    before: known,
    after: wanted,
    hasNewTerms,
  };
  return [
    own,
    ...addons.map((addon) => {
      const before = stored.get(addon.position) ?? null;
      return {
        path: [...path, 'addons'],
        tenantId,
        what: `addon ${addon.code} of ${what}`,
        // An addon is billed with its subscription: if the subscription moves, only the subscription gets a
        // warning.
        before: before && overlap(before, wanted),
        after: overlap(addon, wanted) ?? NEVER,
        hasNewTerms: false,
      };
    }),
  ];
}

function fieldOf(known: Span | null, wanted: Span, hasNewTerms: boolean): string {
  if (known !== null && known.startsAt !== wanted.startsAt) return 'starts_at';
  if (known !== null && known.endsAt !== wanted.endsAt) return 'ends_at';
  return hasNewTerms ? 'plan' : 'starts_at';
}

const NEVER: Span = { startsAt: null, endsAt: null };

/** Returns when both are in force; null: never. */
function overlap(a: Span, b: Span): Span | null {
  if (a.startsAt === null || b.startsAt === null) return null;
  const startsAt = isBefore(a.startsAt, b.startsAt) ? b.startsAt : a.startsAt;
  const endsAt = earlier(a.endsAt, b.endsAt);
  return endsAt === null || isBefore(startsAt, endsAt) ? { startsAt, endsAt } : null;
}

/** @param a null: never */
function earlier(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return isBefore(a, b) ? a : b;
}

/**
 * Returns warnings for the moves that change a month which is invoiced, is being invoiced, or was closed without an
 * invoice: nothing bills the change automatically. Each names the months and the command.
 */
export function warningsOfBilledMonths(
  moves: readonly Move[],
  months: readonly MonthOfTenant[],
  calendar: BillingCalendar,
): readonly Remark[] {
  const byTenant = Map.groupBy(months, ({ tenantId }) => tenantId);
  return moves.flatMap((move) => {
    const changed = (byTenant.get(move.tenantId) ?? []).flatMap((month) => {
      const change = changeIn(calendar.periodOf(month.month), move);
      return change === null ? [] : { ...month, ...change };
    });
    return [
      ...sayInvoiced(move, changed),
      ...sayDraft(move, changed),
      ...sayClosed(move, changed),
    ].map((message) => ({ path: move.path, message }));
  });
}

/** A month that a move changes. */
type ChangedMonth = MonthOfTenant & {
  /** Whether it is in force at some instant of the month, after the move. */
  readonly isInForce: boolean;
};

function changeIn(
  period: Period,
  { before, after, hasNewTerms }: Move,
): Pick<ChangedMonth, 'isInForce'> | null {
  const was = before && overlap(before, period);
  const is = overlap(after, period);
  const isSame = was?.startsAt === is?.startsAt && was?.endsAt === is?.endsAt;
  return isSame && !(hasNewTerms && is !== null) ? null : { isInForce: is !== null };
}

function sayInvoiced({ what, tenantId }: Move, changed: readonly ChangedMonth[]): string[] {
  const invoiced = changed.filter(({ status }) => status === 'issued');
  if (invoiced.length === 0) return [];
  const named = list(invoiced, ({ month, number }) => `${month} (${number})`);
  return [
    `${what} differs from what is invoiced for ${named}: ${checkAndForce(tenantId, invoiced)}`,
  ];
}

/** A draft's lines may have been quoted before the move: only its run knows. */
function sayDraft({ what, tenantId }: Move, changed: readonly ChangedMonth[]): string[] {
  const drafts = changed.filter(({ status }) => status === 'draft');
  if (drafts.length === 0) return [];
  const named = list(drafts, ({ month }) => month);
  return [
    `${what} may differ from what is being invoiced for ${named}: once the invoice is issued, ` +
      `${checkAndForce(tenantId, drafts)} if it differs`,
  ];
}

function checkAndForce(tenantId: string, months: readonly ChangedMonth[]): string {
  const month = commandMonth(months);
  return (
    `check it (month-end preview ${month} --tenant ${tenantId} --lines) and force a rerun ` +
    `(month-end force ${month} --tenant ${tenantId} --reason ...)`
  );
}

/** Says which months were closed without an invoice for the tenant. A month that it left needs none. */
function sayClosed({ what, tenantId }: Move, changed: readonly ChangedMonth[]): string[] {
  const closed = changed.filter(({ status, isInForce }) => status === null && isInForce);
  if (closed.length === 0) return [];
  const named = list(closed, ({ month }) => month);
  return [
    `${what} is in force in ${named}, closed without an invoice for tenant ${tenantId}: run it again ` +
      `(month-end start ${commandMonth(closed)})`,
  ];
}

/** Returns the month, or a placeholder for each of several. */
function commandMonth(months: readonly ChangedMonth[]): string {
  const [only, ...others] = months;
  return only && others.length === 0 ? only.month : 'MONTH';
}

/** Months that are named; the others are counted. */
const NAMED_MONTHS = 12;

function list(months: readonly ChangedMonth[], name: (month: ChangedMonth) => string): string {
  const named = months.slice(0, NAMED_MONTHS).map(name).join(', ');
  const more = months.length - NAMED_MONTHS;
  return more > 0 ? `${named} and ${more} more months` : named;
}
