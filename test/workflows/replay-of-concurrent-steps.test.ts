import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { TASK_QUEUE, monthEndId } from '../../src/contracts/ids.ts';
import { RUN_SIGNAL, WORKFLOWS } from '../../src/contracts/month-end-types.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { closed, createWorld, monthEndHandle, type World } from '../_util/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
});
afterAll(() => world[Symbol.asyncDispose]());

/** An event to wait for, with a timeout. */
function event() {
  const { promise, resolve } = Promise.withResolvers<null>();
  return {
    happens: () => resolve(null),
    wait: () => promise,
    orNot: () => Promise.race([promise, sleep(4_000)]),
  };
}

function signal(requestId: string) {
  const payload = { requestId, actor: 'test' };
  return world.client.workflow.signalWithStart(WORKFLOWS.monthEnd, {
    workflowId: monthEndId(MONTH),
    taskQueue: TASK_QUEUE,
    // Short: while a local activity runs, the workflow receives almost no other events.
    workflowTaskTimeout: '2 s',
    args: [{ month: MONTH }],
    signal: RUN_SIGNAL,
    signalArgs: [payload],
  });
}

test('a month that accepted requests while its pass ended replays', async () => {
  const childRuns = event();
  const secondComes = event();
  const passEnds = event();
  const thirdComes = event();
  const nextPassBegins = event();
  const { acceptRequest, persistInvoices, finishPass, beginPass } = world.activities;
  let finished = 0;
  await world.startWorker({
    async persistInvoices(input) {
      childRuns.happens();
      await secondComes.wait();
      return persistInvoices(input);
    },
    // The second is accepted first, then the pass ends, and only then the third is accepted.
    async acceptRequest(input) {
      const { requestId } = input.payload as { readonly requestId: string };
      if (requestId === 'second') {
        secondComes.happens();
        await passEnds.orNot();
      }
      if (requestId === 'third') {
        thirdComes.happens();
        await nextPassBegins.orNot();
      }
      return acceptRequest(input);
    },
    async finishPass(input) {
      passEnds.happens();
      await thirdComes.orNot();
      finished += 1;
      return finishPass(input);
    },
    async beginPass(input) {
      if (finished > 0) nextPassBegins.happens();
      return beginPass(input);
    },
  });
  await signal('first');
  await childRuns.wait();
  await signal('second');
  await signal('third');
  const { totals } = await closed(world, MONTH);
  expect(totals).toMatchObject({ parked: 0 });

  const history = await monthEndHandle(world, MONTH).fetchHistory();
  await Worker.runReplayHistory(
    {
      workflowBundle: { codePath: inject('workflowBundlePath') },
      dataConverter: {
        payloadConverterPath: fileURLToPath(
          new URL('../../src/temporal/payload-converter.ts', import.meta.url),
        ),
      },
    },
    history,
    monthEndId(MONTH),
  );
});
