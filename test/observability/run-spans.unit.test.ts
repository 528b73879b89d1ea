import { expect, test } from 'vitest';
import type { TracePoint, WorkflowSpan } from '../../src/contracts/trace-carrier.ts';
import { RunSpans } from '../../src/workflows/run-spans.ts';

const RUN_ID = '01a223a7-f9be-791e-b743-ee8e43f4c47b';
const from = (digit: string, isSampled = true): TracePoint => ({
  traceId: digit.repeat(32),
  spanId: digit.repeat(16),
  isSampled,
});

function record(runId = RUN_ID) {
  const told: Omit<WorkflowSpan, 'input'>[] = [];
  return { told, spans: new RunSpans(runId, (span) => told.push(span)) };
}

test('without a trace there are none', () => {
  const { told, spans } = record();
  spans.begin('monthEnd', null, 0);
  spans.endAll(null, 1);
  expect(spans.newest).toBeNull();
  expect(told).toEqual([]);
});

test('what starts a run with a signal is one span', () => {
  const { told, spans } = record();
  spans.begin('monthEnd', from('a'), 10);
  spans.begin('monthEnd run', from('a'), 10);
  spans.endAll(null, 20);
  expect(told).toMatchObject([
    { name: 'monthEnd', parentSpanId: 'a'.repeat(16), startedAtMs: 10, endedAtMs: 20 },
  ]);
});

test('work belongs to the newest request, and the others lead there', () => {
  const { told, spans } = record();
  spans.begin('monthEnd', from('a'), 0);
  const first = spans.newest;
  spans.begin('monthEnd forceReRun', from('b'), 1);
  const second = spans.newest;
  expect(second?.traceId).toBe('b'.repeat(32));
  spans.endAll(null, 2);
  expect(told).toMatchObject([
    { at: first, continuedAt: second },
    { at: second, continuedAt: null },
  ]);
  expect(spans.newest, 'for what comes after').toBe(second);
  spans.endAll('late', 3);
  expect(told).toHaveLength(2);
});

test('ids are the same in another life, and no other', () => {
  const idsOf = ({ told, spans }: ReturnType<typeof record>) => {
    for (const digit of 'abc') spans.begin('monthEnd', from(digit), 0);
    spans.endAll(null, 1);
    return told.map(({ at }) => at.spanId);
  };
  const ids = idsOf(record());
  expect(idsOf(record())).toEqual(ids);
  expect(new Set(ids).size).toBe(3);
  for (const id of ids) expect(id).toMatch(/^[\da-f]{16}$/);
  // The last number there is, and what follows it.
  expect(idsOf(record('01a223a7-f9be-791e-ffff-ffffffffffff')).slice(1)).toEqual([
    '0000000000000001',
    '0000000000000001',
  ]);
});

test('what nobody keeps is not told, but handed on', () => {
  const { told, spans } = record();
  spans.begin('monthEnd', from('a', false), 0);
  spans.endAll(null, 1);
  expect(told).toEqual([]);
  expect(spans.newest).toMatchObject({ isSampled: false });
});
