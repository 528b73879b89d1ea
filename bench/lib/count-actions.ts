import type { temporal } from '@temporalio/proto';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/**
 * What Temporal Cloud bills, as far as a history shows it, by its documentation
 * (https://docs.temporal.io/cloud/actions, read in November 2026). Not in a history: queries, and
 * heartbeats of activities, which short ones don't send.
 */
export interface ActionCounts {
  /** By a client, by continue-as-new, or as a child: the second of a child's two actions. */
  readonly workflowsStarted: number;
  /** That a child is to be started is stored first: the first of its two actions. */
  readonly childrenInitiated: number;
  readonly activities: number;
  readonly activityRetries: number;
  /** All markers of a workflow task are one: local activities and `patched`. */
  readonly markers: number;
  readonly localActivityRetries: number;
  /** Workflow tasks that only keep long local activities alive. */
  readonly workflowTaskHeartbeats: number;
  /** Also those of a `condition` with a timeout. */
  readonly timers: number;
  /** One that started its workflow (signal-with-start) is counted there. */
  readonly signals: number;
  /** But for `patched`, which is exempt. */
  readonly searchAttributeUpserts: number;
}

const NOTHING: ActionCounts = {
  workflowsStarted: 0,
  childrenInitiated: 0,
  activities: 0,
  activityRetries: 0,
  markers: 0,
  localActivityRetries: 0,
  workflowTaskHeartbeats: 0,
  timers: 0,
  signals: 0,
  searchAttributeUpserts: 0,
};

/** The actions of one run, from its whole history. */
export function countActions(events: readonly HistoryEvent[]): ActionCounts {
  const count = (isCounted: (event: HistoryEvent, index: number) => boolean) =>
    events.filter(isCounted).length;
  return {
    workflowsStarted: count((e) => e.workflowExecutionStartedEventAttributes != null),
    childrenInitiated: count((e) => e.startChildWorkflowExecutionInitiatedEventAttributes != null),
    activities: count((e) => e.activityTaskScheduledEventAttributes != null),
    activityRetries: sum(
      events.map((e) => {
        const attempt = e.activityTaskStartedEventAttributes?.attempt;
        return attempt == null ? 0 : attempt - 1;
      }),
    ),
    markers: new Set(
      events.flatMap(
        (e) => e.markerRecordedEventAttributes?.workflowTaskCompletedEventId?.toString() ?? [],
      ),
    ).size,
    localActivityRetries: sum(
      events.map(
        (e) =>
          e.workflowTaskCompletedEventAttributes?.meteringMetadata
            ?.nonfirstLocalActivityExecutionAttempts ?? 0,
      ),
    ),
    workflowTaskHeartbeats: count(
      (e, index) =>
        e.workflowTaskScheduledEventAttributes != null &&
        events[index - 1]?.workflowTaskCompletedEventAttributes != null,
    ),
    timers: count((e) => e.timerStartedEventAttributes != null),
    signals: count(
      (e, index) => e.workflowExecutionSignaledEventAttributes != null && !isOfStart(events, index),
    ),
    searchAttributeUpserts: count((e) => {
      const upserted = e.upsertWorkflowSearchAttributesEventAttributes;
      if (upserted == null) return false;
      const names = Object.keys(upserted.searchAttributes?.indexedFields ?? {});
      return names.some((name) => name !== 'TemporalChangeVersion');
    }),
  };
}

/** Signal-with-start puts the signal right behind the start, before any workflow task. */
function isOfStart(events: readonly HistoryEvent[], index: number): boolean {
  const start = events[index - 1]?.workflowExecutionStartedEventAttributes;
  return start != null && !start.continuedExecutionRunId;
}

const KINDS = Object.keys(NOTHING) as readonly (keyof ActionCounts)[];

export function addActions(all: readonly ActionCounts[]): ActionCounts {
  return Object.fromEntries(
    KINDS.map((kind) => [kind, sum(all.map((counts) => counts[kind]))]),
  ) as Record<keyof ActionCounts, number>;
}

export function totalActions(counts: ActionCounts): number {
  return sum(KINDS.map((kind) => counts[kind]));
}

/** Each kind that there is, for one of so many: `3 (workflowsStarted 1, markers 2)`. */
export function describeActions(counts: ActionCounts, of: number): string {
  const each = (count: number) => String(Number((count / of).toFixed(3)));
  const kinds = KINDS.filter((kind) => counts[kind] > 0).map(
    (kind) => `${kind} ${each(counts[kind])}`,
  );
  return `${each(totalActions(counts))} (${kinds.join(', ')})`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
