import type { BillingCalendar } from '../domain/billing-calendar.ts';
import { parseDate } from '../domain/period.ts';
import type { Problem, Remark } from './apply-error.ts';
import { isBefore, isLocalDate } from './catalogue-fields.ts';
import type { CurrentSubscriptions, PlacedSubscription } from './placed-subscription.ts';
import { endsLater, type SubscriptionsFile } from './subscriptions-file.ts';

/**
 * Feeds give starts and ends as local dates or as instants (docs/spec.md#billing-time-zone). Here dates become instants,
 * in front of everything that compares them with what is stored.
 */

/** Returns the first instant of a local date, as PostgreSQL stores it; an instant stays as it is. */
export function toInstant(calendar: BillingCalendar, dateOrInstant: string): string {
  return isLocalDate(dateOrInstant) ? calendar.startOfDay(parseDate(dateOrInstant)) : dateOrInstant;
}

/** Returns the file with instants in place of local dates. */
export function resolveDates(
  calendar: BillingCalendar,
  file: SubscriptionsFile,
): SubscriptionsFile {
  const span = <Start extends string | null>(starts_at: Start, ends_at: string | null) => ({
    starts_at: (starts_at === null ? null : toInstant(calendar, starts_at)) as Start,
    ends_at: ends_at === null ? null : toInstant(calendar, ends_at),
  });
  return {
    tenants: file.tenants.map((tenant) => ({
      ...tenant,
      deployments: tenant.deployments.map((deployment) => ({
        ...deployment,
        subscriptions: deployment.subscriptions.map((subscription) => ({
          ...subscription,
          ...span(subscription.starts_at, subscription.ends_at),
          addons: subscription.addons.map((addon) => ({
            ...addon,
            ...span(addon.starts_at, addon.ends_at),
          })),
        })),
      })),
    })),
  };
}

/** A start or an end in the input, and what is stored for it. */
interface Edge {
  readonly path: readonly PropertyKey[];
  readonly field: 'starts_at' | 'ends_at';
  readonly at: string | null;
  readonly stored: string | null | undefined;
}

/**
 * Returns a warning for each new start or end that isn't the first instant of a day in the billing time zone, because
 * whole days are billed.
 */
export function warningsOfEdges(
  placed: readonly PlacedSubscription[],
  current: CurrentSubscriptions,
  calendar: BillingCalendar,
): readonly Remark[] {
  return placed
    .flatMap((subscription) => edgesOf(subscription, current))
    .flatMap(({ path, field, at, stored }): Remark[] => {
      if (at === null || at === stored) return [];
      const date = calendar.dateOf(at);
      if (calendar.startOfDay(parseDate(date)) === at) return [];
      const effect = field === 'starts_at' ? `all of ${date} is billed` : `${date} is not billed`;
      const message = `${at} is not midnight in ${calendar.timeZone}: ${effect}. Send "${date}" for that day`;
      return [{ path: [...path, field], message }];
    });
}

function edgesOf(
  { path, sent, wanted }: PlacedSubscription,
  { subscriptions, addons }: CurrentSubscriptions,
): readonly Edge[] {
  const known = subscriptions.get(wanted.subscriptionId);
  const snapshots = addons.get(wanted.subscriptionId) ?? [];
  return [
    { path, field: 'starts_at', at: wanted.startsAt, stored: known?.startsAt },
    { path, field: 'ends_at', at: wanted.endsAt, stored: known?.endsAt },
    ...sent.addons.flatMap((addon, index): readonly Edge[] => {
      const place = [...path, 'addons', index];
      const same = snapshots.find(
        ({ code, startsAt }) => code === addon.code && startsAt === addon.starts_at,
      );
      // An addon that starts or ends with its subscription gets no warning of its own.
      return [
        { path: place, field: 'starts_at', at: addon.starts_at, stored: same?.startsAt },
        { path: place, field: 'ends_at', at: addon.ends_at, stored: same?.endsAt },
      ].filter(({ at }) => at !== wanted.startsAt && at !== wanted.endsAt) as readonly Edge[];
    }),
  ];
}

/**
 * Returns a problem for each end that isn't after its start. The format checks the same as far as it can without the
 * time zone, which a date and an instant need to be compared.
 */
export function problemsOfOrder(placed: readonly PlacedSubscription[]): readonly Problem[] {
  return placed.flatMap(({ path, sent, wanted }) => [
    ...endsAfter(path, wanted.startsAt, wanted.endsAt),
    ...sent.addons.flatMap(({ starts_at, ends_at }, index) =>
      endsAfter([...path, 'addons', index], starts_at, ends_at),
    ),
  ]);
}

function endsAfter(
  path: readonly PropertyKey[],
  startsAt: string | null,
  endsAt: string | null,
): readonly Problem[] {
  if (endsAt === null || (startsAt !== null && isBefore(startsAt, endsAt))) return [];
  return [{ path: [...path, 'ends_at'], kind: 'invalid', message: endsLater.error }];
}
