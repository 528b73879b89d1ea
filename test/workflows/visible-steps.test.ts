import { afterEach, beforeEach, expect, test } from 'vitest';
import { tenantInvoiceId } from '../../src/contracts/ids.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { expectSoundBooks, invoicesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, type World } from '../_util/world.ts';

const STEPS = ['openDrafts', 'quoteSubscriptions', 'pullLlmUsage', 'persistInvoices'] as const;

let world: World;
beforeEach(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
});
afterEach(() => world[Symbol.asyncDispose]());

const childOf = (tenantId: string) =>
  world.client.workflow.getHandle(tenantInvoiceId(MONTH, tenantId));
const request = () =>
  requestMonthEnd(world.client, { month: MONTH, requestId: 'r1', actor: 'test' });

async function historyOf() {
  const { events } = await childOf('acme').fetchHistory();
  return events ?? [];
}

test('a child shows its four steps in order, each with a summary', async () => {
  await world.startWorker();
  await request();
  await closed(world, MONTH);

  const markers = (await historyOf()).flatMap(({ markerRecordedEventAttributes: marker }) => {
    const data = marker?.details?.data?.payloads?.[0]?.data;
    return data ? [JSON.parse(Buffer.from(data).toString()) as { activity_type: string }] : [];
  });
  expect(markers.map(({ activity_type: type }) => type)).toEqual(STEPS);
  const metadata = await childOf('acme').query<{ currentDetails?: string }>(
    '__temporal_workflow_metadata',
  );
  expect(metadata.currentDetails).toMatch(
    /1 subscription quoted \(1 line\), 0 LLM requests, 2 lines, AUD 55\.00/,
  );
});

test('a step that keeps failing becomes a pending activity with its failure, and recovers', async () => {
  // One tenant per step, with the name of the step.
  for (const step of STEPS) await seedTenant(world.db, step);
  let isAway = true;
  const failingFor = (step: (typeof STEPS)[number]) => {
    const real = world.activities[step] as (input: unknown) => Promise<unknown>;
    return (input: unknown) => {
      if (isAway && JSON.stringify(input).includes(`"${step}"`)) {
        throw new Error('connect ECONNREFUSED 127.0.0.1:5432');
      }
      return real(input);
    };
  };
  await world.startWorker(Object.fromEntries(STEPS.map((step) => [step, failingFor(step)])));
  await request();

  for (const step of STEPS) {
    const pending = await until(
      async () => (await childOf(step).describe()).raw.pendingActivities?.[0] ?? null,
      (activity) => (activity?.attempt ?? 0) >= 2,
    );
    expect(pending?.activityType?.name).toBe(step);
    expect(pending?.lastFailure?.message).toContain('ECONNREFUSED');
  }
  isAway = false;

  expect((await closed(world, MONTH)).totals).toMatchObject({ rolled: 5, parked: 0 });
  expect(await invoicesOf(world.db)).toHaveLength(5);
  await expectSoundBooks(world.db);
});
