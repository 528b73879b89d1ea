import { describe, expect, test } from 'vitest';
import { OverloadedError } from '../../src/lib/group-commit.ts';
import { createLanes } from '../../src/ingestion/lanes.ts';
import type { Entry } from '../../src/ingestion/usage-kind.ts';

function entry(id: string, deploymentId: string): Entry {
  return {
    id,
    deploymentId,
    tenantId: 'acme',
    resourceKind: 'llm_usage',
    serviceMonth: '2026-05-01',
    model: 'large-2',
    contentHash: '00',
    barred: null,
  };
}

/** Two lanes whose commits wait until the test releases them. */
function controlled({ lanes = 2, maxQueuedItems = 100 } = {}) {
  const groups: (readonly Entry[])[] = [];
  const gates: PromiseWithResolvers<null>[] = [];
  const commits = createLanes<Entry, string>({
    maxConcurrent: lanes,
    maxGroupItems: 10,
    maxQueuedItems,
    isWorthTryingAlone: () => true,
    commit: async (entries) => {
      groups.push(entries);
      const gate = Promise.withResolvers<null>();
      gates.push(gate);
      await gate.promise;
      return entries.map(({ id }) => `${id}!`);
    },
  });
  return { commits, groups, gates };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Deployments in different lanes; which lane does not matter. */
async function oneOfEachLane(): Promise<readonly [string, string]> {
  const { commits, groups } = controlled();
  void commits.submit(Array.from({ length: 20 }, (_, n) => entry(`${n}`, `deployment-${n}`)));
  await settled();
  const [first, second] = groups.map(([some]) => some?.deploymentId ?? '');
  if (!first || !second) throw new Error('20 deployments are all in one lane');
  return [first, second];
}

const ids = (groups: readonly (readonly Entry[])[]) => groups.map((g) => g.map(({ id }) => id));

describe('lanes', () => {
  test('distribute deployments evenly', async () => {
    const { commits, groups } = controlled({ lanes: 4 });
    // Like ids that are numbered in steps.
    const counted = Array.from({ length: 1000 }, (_, n) => entry(`${n}`, `deployment-${n * 8}`));
    void commits.submit(counted);
    await settled();
    expect(groups).toHaveLength(4);
    for (const group of groups) expect(group.length).toBeGreaterThan(150);
  });

  test('commit concurrently, with answers in the order of the submission', async () => {
    const [here, there] = await oneOfEachLane();
    const { commits, groups, gates } = controlled();
    const answer = commits.submit([
      entry('a', here),
      entry('b', there),
      entry('c', here),
      entry('d', there),
    ]);
    await settled();
    expect(ids(groups)).toEqual([
      ['a', 'c'],
      ['b', 'd'],
    ]);
    expect(commits.depth).toBe(4);
    gates[1]?.resolve(null);
    let isAnswered = false;
    void answer.then(() => (isAnswered = true));
    await settled();
    expect(isAnswered).toBe(false);
    gates[0]?.resolve(null);
    expect(await answer).toEqual(['a!', 'b!', 'c!', 'd!']);
    expect(commits.depth).toBe(0);
  });

  test('never share a deployment', async () => {
    const [here] = await oneOfEachLane();
    const { commits, groups, gates } = controlled();
    const answers = ['a', 'b'].map((id) => commits.submit([entry(id, here)]));
    await settled();
    expect(ids(groups)).toEqual([['a']]);
    gates[0]?.resolve(null);
    await settled();
    gates[1]?.resolve(null);
    await Promise.all(answers);
  });

  test('keep entries with the same id together, in the lane of the first', async () => {
    const [here, there] = await oneOfEachLane();
    const { commits, groups, gates } = controlled();
    const answer = commits.submit([entry('same', here), entry('b', there), entry('same', there)]);
    await settled();
    expect(ids(groups)).toEqual([['same', 'same'], ['b']]);
    gates.forEach((gate) => {
      gate.resolve(null);
    });
    expect(await answer).toEqual(['same!', 'b!', 'same!']);
  });

  test('accept a whole submission or nothing', async () => {
    const [here, there] = await oneOfEachLane();
    const { commits, groups, gates } = controlled({ maxQueuedItems: 4 });
    const full = commits.submit([entry('a', here), entry('b', here)]);
    await settled();
    await expect(commits.submit([entry('c', there), entry('d', here)])).rejects.toThrow(
      new OverloadedError('2 items are waiting already'),
    );
    expect(commits.depth).toBe(2);
    const waiting = commits.submitWhenRoom([entry('c', there), entry('d', here)]);
    gates[0]?.resolve(null);
    await full;
    await settled();
    expect(ids(groups)).toEqual([['a', 'b'], ['c'], ['d']]);
    gates.forEach((gate) => {
      gate.resolve(null);
    });
    expect(await waiting).toEqual(['c!', 'd!']);
  });

  test('close when all are done, and accept no more', async () => {
    const [here, there] = await oneOfEachLane();
    const { commits, gates } = controlled();
    const answer = commits.submit([entry('a', here), entry('b', there)]);
    await settled();
    let isClosed = false;
    const closing = commits.close().then(() => (isClosed = true));
    await expect(commits.submit([entry('c', here)])).rejects.toThrow(OverloadedError);
    gates[0]?.resolve(null);
    await settled();
    expect(isClosed).toBe(false);
    gates[1]?.resolve(null);
    await answer;
    await closing;
  });

  test('answer an empty submission at once', async () => {
    const { commits, groups } = controlled();
    expect(await commits.submit([])).toEqual([]);
    expect(groups).toEqual([]);
  });
});
