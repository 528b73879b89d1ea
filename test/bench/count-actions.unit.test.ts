import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { temporal } from '@temporalio/proto';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { describe, expect, test } from 'vitest';
import {
  addActions,
  countActions,
  describeActions,
  totalActions,
} from '../../bench/lib/count-actions.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

const HISTORIES = fileURLToPath(new URL('../replay/histories/', import.meta.url));

/** The last committed history of a shape; its name begins with a date. */
function committed(shape: string): readonly HistoryEvent[] {
  const name = readdirSync(HISTORIES).findLast(
    (file) => file.slice('2026-11-24-'.length) === `${shape}.json`,
  );
  const json = JSON.parse(readFileSync(`${HISTORIES}${name}`, 'utf8')) as unknown;
  return historyFromJSON(json).events ?? [];
}

const nothing = addActions([]);
const started: HistoryEvent = { workflowExecutionStartedEventAttributes: {} };
const continued: HistoryEvent = {
  workflowExecutionStartedEventAttributes: { continuedExecutionRunId: 'before' },
};
const signaled: HistoryEvent = { workflowExecutionSignaledEventAttributes: {} };
const taskScheduled: HistoryEvent = { workflowTaskScheduledEventAttributes: {} };
const taskCompleted = (nonfirstLocalActivityExecutionAttempts = 0): HistoryEvent => ({
  workflowTaskCompletedEventAttributes: {
    meteringMetadata: { nonfirstLocalActivityExecutionAttempts },
  },
});
const marker = (task: number): HistoryEvent => ({
  // Only its text is looked at.
  markerRecordedEventAttributes: {
    workflowTaskCompletedEventId: { toString: () => String(task) } as never,
  },
});
const upserted = (...names: string[]): HistoryEvent => ({
  upsertWorkflowSearchAttributesEventAttributes: {
    searchAttributes: { indexedFields: Object.fromEntries(names.map((name) => [name, {}])) },
  },
});

describe('billable actions', () => {
  test('a child that issued: its start, and its local activities of one task', () => {
    const actions = countActions(committed('tenant-invoice-rolled'));
    expect(actions).toEqual({
      ...nothing,
      workflowsStarted: 1,
      markers: 1,
    });
    expect(totalActions(actions)).toBe(2);
  });

  test('a month: activities and children one by one', () => {
    const events = committed('month-end');
    const actions = countActions(events);
    const json = JSON.stringify(events);
    const named = (name: string) => json.split(`"${name}":{`).length - 1;
    expect(actions.childrenInitiated).toBe(
      named('startChildWorkflowExecutionInitiatedEventAttributes'),
    );
    expect(actions.childrenInitiated).toBeGreaterThan(0);
    expect(actions.activities).toBe(named('activityTaskScheduledEventAttributes'));
    expect(actions.timers).toBe(named('timerStartedEventAttributes'));
    expect(actions.workflowsStarted).toBe(1);
  });

  test('a signal that starts its workflow is part of the start; later ones count', () => {
    expect(totalActions(countActions([started, signaled]))).toBe(1);
    expect(countActions([started, signaled, taskScheduled, signaled]).signals).toBe(1);
    // Continued as new: the signal came by itself.
    expect(countActions([continued, signaled]).signals).toBe(1);
  });

  test('markers count once a task, each task by itself', () => {
    expect(countActions([marker(4), marker(4), marker(9)]).markers).toBe(2);
  });

  test('retries, of activities and of local ones', () => {
    const activity = (attempt: number): readonly HistoryEvent[] => [
      { activityTaskScheduledEventAttributes: {} },
      { activityTaskStartedEventAttributes: { attempt } },
    ];
    const actions = countActions([...activity(1), ...activity(3), taskCompleted(5)]);
    expect(actions).toEqual({
      ...nothing,
      activities: 2,
      activityRetries: 2,
      localActivityRetries: 5,
    });
  });

  test('a workflow task right behind another one is a heartbeat', () => {
    const task = [taskScheduled, taskCompleted()];
    expect(countActions([...task, ...task]).workflowTaskHeartbeats).toBe(1);
    expect(countActions([...task, signaled, ...task]).workflowTaskHeartbeats).toBe(0);
  });

  test('sums, in words', () => {
    const child = countActions([started, marker(4), upserted('InvoiceOutcome')]);
    const sum = addActions([child, child, countActions([marker(1)])]);
    expect(totalActions(sum)).toBe(7);
    expect(describeActions(sum, 2)).toBe(
      '3.5 (workflowsStarted 1, markers 1.5, searchAttributeUpserts 1)',
    );
  });

  test('search attributes count by the command, and those of `patched` do not', () => {
    expect(countActions([upserted('TenantId', 'InvoiceOutcome')]).searchAttributeUpserts).toBe(1);
    expect(countActions([upserted('TemporalChangeVersion')]).searchAttributeUpserts).toBe(0);
  });
});
