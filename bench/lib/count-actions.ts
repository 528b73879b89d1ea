import type { temporal } from '@temporalio/proto';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/**
 * The actions that Temporal Cloud bills, as far as a history shows them, according to its documentation
 * (https://docs.temporal.io/cloud/actions, read in November 2026). Not in a history: queries, and
 * activity heartbeats, which short activities don't send.
 */
export interface ActionCounts {
  /** By a client, by continue-as-new, or as a child: the second of a child's two actions. */
  readonly workflowsStarted: number;
  /** The intent to start a child: the first of its two actions. */
  readonly childrenInitiated: number;
  readonly activities: number;
  readonly activityRetries: number;
  /** All markers of a workflow task count as one: local activities and `patched`. */
  readonly markers: number;
  readonly localActivityRetries: number;
  /** Workflow tasks that only keep long local activities alive. */
  readonly workflowTaskHeartbeats: number;
  /** Including those of a `condition` with a timeout. */
  readonly timers: number;
  /** A signal that started its workflow (signal-with-start) counts as the start. */
  readonly signals: number;
  /** Except for those of `patched`, which are exempt. */
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

/** Counts the actions of one run from its whole history. */
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

/** Signal-with-start puts the signal right after the start, before any workflow task. */
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

/** Formats the actions per item, by kind: `3 (workflowsStarted 1, markers 2)`. */
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
