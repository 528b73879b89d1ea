import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Finding } from '../../src/audit/watchdog-finding.ts';
import { toGauges } from '../../src/audit/watchdog-gauges.ts';
import type { WatchdogReport } from '../../src/audit/watchdog-report.ts';
import { startWatchdog, type Watchdog } from '../../src/audit/watchdog.ts';
import { until } from '../_util/until.ts';

const PAUSED: Finding = { code: 'schedule_paused', month: null, detail: 'paused' };
const LATE: Finding = { code: 'month_not_closed', month: '2026-05', detail: 'late' };

function report(findings: readonly Finding[], errors: readonly unknown[] = []): WatchdogReport {
  return {
    checkedAt: new Date('2026-06-01T08:00:00.500Z'),
    findings,
    books: null,
    temporal: null,
    errors,
  };
}

/** A watchdog that gets the given reports one by one, and then repeats the last one. */
function watch(looks: readonly (() => WatchdogReport | Promise<WatchdogReport>)[]) {
  const log: { level: number; msg: string; finding?: string; reason?: string }[] = [];
  const seen = { looks: 0, overlapping: 0, mostOverlapping: 0 };
  const watchdog: Watchdog = startWatchdog({
    async look() {
      const next = looks[Math.min(seen.looks, looks.length - 1)];
      seen.looks += 1;
      seen.overlapping += 1;
      seen.mostOverlapping = Math.max(seen.mostOverlapping, seen.overlapping);
      try {
        return await next!();
      } finally {
        seen.overlapping -= 1;
      }
    },
    intervalSeconds: 0.001,
    logger: pino({ level: 'debug' }, { write: (line) => void log.push(JSON.parse(line) as never) }),
  });
  const looked = (times: number) =>
    until(
      () => Promise.resolve(seen.looks),
      (done) => done > times,
    );
  return { watchdog, log, seen, looked };
}

test('logs each new finding and its end once', async () => {
  const { watchdog, log, looked } = watch([
    () => report([]),
    () => report([PAUSED]),
    () => report([PAUSED, LATE]),
    () => report([PAUSED, { ...LATE, detail: 'later still' }]),
    () => report([{ ...LATE, month: '2026-06' }]),
    () => report([]),
  ]);
  await looked(8);
  await watchdog.stop();
  expect(log.map(({ level, finding, msg }) => [level, finding, msg])).toEqual([
    [40, 'schedule_paused', 'watchdog: paused'],
    [50, 'month_not_closed', 'watchdog: late'],
    [50, 'month_not_closed', 'watchdog: late'],
    [30, 'schedule_paused', 'watchdog: schedule_paused is over'],
    [30, 'month_not_closed', 'watchdog: month_not_closed is over'],
    [30, 'month_not_closed', 'watchdog: month_not_closed is over'],
  ]);
});

test('a finding that can no longer be checked is not reported as over', async () => {
  const blind: Finding = { code: 'temporal_unreachable', month: null, detail: 'away' };
  const { watchdog, log, looked } = watch([
    () => report([PAUSED, LATE]),
    () => report([blind]),
    () => report([blind, LATE]),
  ]);
  await looked(3);
  expect(watchdog.latest()?.findings).toEqual([blind, LATE, PAUSED]);
  await watchdog.stop();
  expect(log.map(({ msg }) => msg)).toEqual([
    'watchdog: paused',
    'watchdog: late',
    'watchdog: away',
    'watchdog: month_not_closed is over',
    'watchdog: late',
  ]);
});

test('the reason for an unreadable source is only logged', async () => {
  const unread: Finding = { code: 'database_unreachable', month: null, detail: 'away' };
  const errors = [new Error('connect ECONNREFUSED 10.0.0.7')];
  const { watchdog, log, looked } = watch([() => report([unread], errors)]);
  await looked(3);
  await watchdog.stop();
  expect(log.flatMap(({ reason }) => reason ?? [])).toEqual(['connect ECONNREFUSED 10.0.0.7']);
});

test('a failed check is logged and does not end the watch', async () => {
  const { watchdog, log, looked } = watch([
    () => report([PAUSED]),
    () => {
      throw new Error('a bug');
    },
    () => report([PAUSED]),
  ]);
  await looked(3);
  expect(watchdog.latest()?.findings).toEqual([PAUSED]);
  await watchdog.stop();
  expect(log.map(({ msg }) => msg)).toContain('the watchdog check failed');
});

test('checks do not overlap, and stop waits for the current one', async () => {
  const slow = Promise.withResolvers<WatchdogReport>();
  const { watchdog, seen, looked } = watch([
    () => report([]),
    () => report([]),
    () => slow.promise,
  ]);
  await looked(2);
  let isStopped = false;
  const stopping = watchdog.stop().then(() => (isStopped = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isStopped).toBe(false);
  slow.resolve(report([PAUSED]));
  await stopping;
  expect(watchdog.latest()?.findings).toEqual([PAUSED]);
  // Long enough for several checks.
  const another = watch([() => report([])]);
  await another.looked(5);
  await another.watchdog.stop();
  expect(seen).toEqual({ looks: 3, overlapping: 0, mostOverlapping: 1 });
});

test('exports a gauge for every code, 0 without a finding', () => {
  expect(toGauges(null)).toBeNull();
  const gauges = toGauges(report([LATE]))!;
  expect(gauges.lastCheckSeconds).toBe(1_780_300_800.5);
  expect(gauges.findings.filter(({ value }) => value === 1)).toEqual([
    { code: 'month_not_closed', value: 1 },
  ]);
  expect(gauges.findings).toHaveLength(13);
  // Neither the database nor Temporal could be read, so there is no number.
  expect(gauges).toMatchObject({ monthEnd: null, temporal: null, keyExpirySeconds: null });
});
