import { expect, test } from 'vitest';
import { judgeWorkers } from '../../src/audit/watchdog-temporal.ts';

const worker = (isCurrent: boolean) => ({ identity: '1@host', buildId: null, isCurrent });

test('one worker of the current build is enough', () => {
  expect(judgeWorkers([worker(false), worker(true)])).toEqual([]);
});

test('no worker polls', () => {
  expect(judgeWorkers([])).toMatchObject([
    {
      code: 'no_worker',
      month: null,
      detail: expect.stringContaining('no worker polls') as string,
    },
  ]);
});

test('only workers of a build without tasks poll', () => {
  expect(judgeWorkers([worker(false)])).toMatchObject([
    { code: 'no_worker', detail: expect.stringContaining('none of the build') as string },
  ]);
});
