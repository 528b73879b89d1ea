import type { Database } from '../db/pool.ts';
import { fixCalendar, loadCalendar } from '../db/settings/load-calendar.ts';
import type { Deployment } from '../db/usage/usage-ledger.ts';
import { CALENDAR_YEARS } from '../domain/period.ts';
import { checkEvent, parseEvent } from './check-event.ts';
import type { UtcInstant } from './instant.ts';
import type { FieldError, UsageResult } from './results.ts';
import type { Entry, SentEvent, UsageKind } from './usage-kind.ts';

/** Returns those of the deployments that exist, by id. */
export type FindDeployments = (
  deploymentIds: Iterable<string>,
) => Promise<ReadonlyMap<string, Deployment>>;

export interface PreparationDeps {
  readonly db: Database;
  readonly findDeployments: FindDeployments;
  /** Returns why new usage of this instant is rejected; null if it is accepted. */
  readonly checkTime: (occurredAt: UtcInstant, index: number) => FieldError | null;
}

/** Events on their way into the ledger. */
export interface PreparedEvents<E extends Entry> {
  /** The result of each refused event, in the order of the events; null for each entry. */
  readonly refusals: readonly (UsageResult | null)[];
  readonly entries: readonly E[];
}

/** Parses and checks events. An invalid event gets its own result; the others become entries. */
export async function prepareEvents<Event extends SentEvent, E extends Entry>(
  kind: UsageKind<Event, E>,
  events: readonly unknown[],
  { db, findDeployments, checkTime }: PreparationDeps,
): Promise<PreparedEvents<E>> {
  const parsed = events.map((event) => parseEvent(kind.schema, event));
  const deployments = await findDeployments(
    parsed.flatMap((outcome) => (outcome.ok ? outcome.event.deployment_id : [])),
  );

  const valid: {
    readonly event: Event;
    readonly deployment: Deployment;
    readonly barred: FieldError | null;
  }[] = [];
  const refusals = parsed.map((outcome, index): UsageResult | null => {
    if (!outcome.ok) return outcome.result;
    const deployment = deployments.get(outcome.event.deployment_id);
    const refusal = checkEvent(outcome.event, deployment);
    if (refusal === null && deployment) {
      const barred = checkTime(outcome.event.occurred_at, index);
      valid.push({ event: outcome.event, deployment, barred });
    }
    return refusal;
  });

  const isNew = valid.some(({ barred }) => barred === null);
  const calendar = isNew ? await fixCalendar(db) : await loadCalendar(db);
  const entries = valid.map(({ event, deployment, barred }) => {
    const serviceMonth = calendar.monthStartAt(event.occurred_at.epochMs);
    return serviceMonth === null
      ? kind.toEntry(event, deployment, { serviceMonth: '', barred: outsideOfCalendar(event) })
      : kind.toEntry(event, deployment, { serviceMonth, barred });
  });
  return { refusals, entries };
}

function outsideOfCalendar({ occurred_at: { text } }: SentEvent): FieldError {
  const { first, last } = CALENDAR_YEARS;
  const detail = `${text} is not in the years ${first} to ${last} of the billing time zone`;
  return { pointer: '/occurred_at', detail };
}
