import { describe, expect, test } from 'vitest';
import {
  OverloadedError,
  createGroupCommit,
  type GroupCommitOptions,
} from '../../src/lib/group-commit.ts';

type Options = GroupCommitOptions<string, string>;

/** A commit that waits until the test releases it, and echoes its items. */
function controlled(overrides: Partial<Options> = {}) {
  const groups: (readonly string[])[] = [];
  const gates: PromiseWithResolvers<null>[] = [];
  const commits = createGroupCommit<string, string>({
    maxConcurrent: 1,
    maxGroupItems: 4,
    maxQueuedItems: 6,
    isWorthTryingAlone: () => true,
    commit: async (items) => {
      groups.push(items);
      const gate = Promise.withResolvers<null>();
      gates.push(gate);
      await gate.promise;
      return items.map((item) => `${item}!`);
    },
    ...overrides,
  });
  return { commits, groups, gates };
}

/** Runs everything that needs no further event. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('group commit', () => {
  test('commits items together that arrive during the previous commit', async () => {
    const { commits, groups, gates } = controlled();
    const answers = [['a'], ['b', 'c'], ['d']].map((items) => commits.submit(items));
    await settled();
    expect(groups).toEqual([['a']]);
    gates[0]?.resolve(null);
    await settled();
    expect(groups).toEqual([['a'], ['b', 'c', 'd']]);
    gates[1]?.resolve(null);
    expect(await Promise.all(answers)).toEqual([['a!'], ['b!', 'c!'], ['d!']]);
    expect(commits.depth).toBe(0);
  });

  test('starts the next group before answering the last one', async () => {
    const { commits, groups, gates } = controlled();
    const groupsAtAnswer = commits.submit(['a']).then(() => groups.length);
    const later = commits.submit(['b']);
    gates[0]?.resolve(null);
    expect(await groupsAtAnswer).toBe(2);
    gates[1]?.resolve(null);
    await later;
  });

  test('admits waiting submissions one by one without rejecting any', async () => {
    const { commits, groups, gates } = controlled({ maxQueuedItems: 1 });
    const answers = ['a', 'b', 'c'].map((item) => commits.submitWhenRoom([item]));
    for (const item of ['a', 'b', 'c']) {
      await settled();
      expect(groups.at(-1)).toEqual([item]);
      expect(commits.depth).toBe(1);
      gates.at(-1)?.resolve(null);
    }
    expect(await Promise.all(answers)).toEqual([['a!'], ['b!'], ['c!']]);
  });

  test('rejects waiting submissions when it closes', async () => {
    const { commits, gates } = controlled({ maxQueuedItems: 1 });
    const first = commits.submit(['a']);
    const waiting = commits.submitWhenRoom(['b']);
    const closing = commits.close();
    gates[0]?.resolve(null);
    await expect(waiting).rejects.toThrow(OverloadedError);
    expect(await first).toEqual(['a!']);
    await closing;
  });

  test('answers only after the commit', async () => {
    const { commits, gates } = controlled();
    let isAnswered = false;
    const answer = commits.submit(['a']).then(() => (isAnswered = true));
    await settled();
    expect(isAnswered).toBe(false);
    gates[0]?.resolve(null);
    await answer;
  });

  test('never splits a submission, and commits a large one alone', async () => {
    const { commits, groups, gates } = controlled({ maxQueuedItems: 100 });
    const answers = [['x'], ['a', 'b', 'c'], ['d', 'e'], ['1', '2', '3', '4', '5']].map((items) =>
      commits.submit(items),
    );
    for (let group = 0; group < 4; group += 1) {
      await settled();
      gates[group]?.resolve(null);
    }
    await Promise.all(answers);
    expect(groups).toEqual([['x'], ['a', 'b', 'c'], ['d', 'e'], ['1', '2', '3', '4', '5']]);
  });

  test('fills a group up to its limit', async () => {
    const { commits, groups, gates } = controlled();
    const answers = [['x'], ['a', 'b'], ['c', 'd'], ['e']].map((items) => commits.submit(items));
    for (let group = 0; group < 3; group += 1) {
      await settled();
      gates[group]?.resolve(null);
    }
    await Promise.all(answers);
    expect(groups).toEqual([['x'], ['a', 'b', 'c', 'd'], ['e']]);
  });

  test('commits nothing for an empty submission', async () => {
    const { commits, groups } = controlled();
    expect(await commits.submit([])).toEqual([]);
    expect(groups).toEqual([]);
  });

  test('limits concurrent commits', async () => {
    const { commits, groups, gates } = controlled({ maxConcurrent: 2, maxGroupItems: 1 });
    const answers = ['a', 'b', 'c'].map((item) => commits.submit([item]));
    await settled();
    expect(groups).toEqual([['a'], ['b']]);
    gates.forEach((gate) => {
      gate.resolve(null);
    });
    await settled();
    gates[2]?.resolve(null);
    await Promise.all(answers);
  });

  test('rejects what does not fit into the queue, and accepts it once there is room', async () => {
    const { commits, gates } = controlled();
    const first = commits.submit(['a', 'b', 'c', 'd']);
    await expect(commits.submit(['e', 'f', 'g'])).rejects.toThrow(OverloadedError);
    await expect(commits.submit(['e', 'f', 'g'])).rejects.toMatchObject({
      name: 'OverloadedError',
      message: '4 items are waiting already',
    });
    gates[0]?.resolve(null);
    await first;
    const second = commits.submit(['e', 'f', 'g']);
    await settled();
    gates[1]?.resolve(null);
    expect(await second).toEqual(['e!', 'f!', 'g!']);
  });

  test('accepts what just fits, and anything if the queue is empty', async () => {
    const { commits, gates } = controlled();
    const answers = [commits.submit(['a', 'b', 'c', 'd']), commits.submit(['e', 'f'])];
    expect(commits.depth).toBe(6);
    for (let group = 0; group < 2; group += 1) {
      await settled();
      gates[group]?.resolve(null);
    }
    await Promise.all(answers);

    const large = commits.submit(['1', '2', '3', '4', '5', '6', '7']);
    await settled();
    gates[2]?.resolve(null);
    expect(await large).toHaveLength(7);
  });

  test('retries each submission of a failed group alone', async () => {
    const groups: (readonly string[])[] = [];
    const commits = createGroupCommit<string, string>({
      maxConcurrent: 1,
      maxGroupItems: 10,
      maxQueuedItems: 10,
      isWorthTryingAlone: () => true,
      commit: async (items) => {
        groups.push(items);
        await settled();
        if (items.includes('bad')) throw new Error('bad item');
        return items.map((item) => `${item}!`);
      },
    });
    const answers = [['first'], ['a'], ['bad'], ['b']].map((items) => commits.submit(items));
    expect(await Promise.allSettled(answers)).toMatchObject([
      { value: ['first!'] },
      { value: ['a!'] },
      { reason: { message: 'bad item' } },
      { value: ['b!'] },
    ]);
    expect(groups).toEqual([['first'], ['a', 'bad', 'b'], ['a'], ['bad'], ['b']]);
    expect(commits.depth).toBe(0);
  });

  test('does not retry alone if no item can be at fault', async () => {
    let attempts = 0;
    const commits = createGroupCommit<string, string>({
      maxConcurrent: 1,
      maxGroupItems: 10,
      maxQueuedItems: 10,
      isWorthTryingAlone: () => false,
      commit: async () => {
        attempts += 1;
        await settled();
        throw new Error('database away');
      },
    });
    const answers = ['first', 'a', 'b'].map((item) => commits.submit([item]));
    const outcomes = await Promise.allSettled(answers);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(attempts).toBe(2);
  });

  test('closes once everything accepted is committed, and accepts no more', async () => {
    const { commits, gates } = controlled({ maxGroupItems: 1 });
    const answers = [commits.submit(['a']), commits.submit(['b'])];
    let isClosed = false;
    const closing = commits.close().then(() => (isClosed = true));
    await expect(commits.submit(['c'])).rejects.toThrow(new OverloadedError('shutting down'));
    gates[0]?.resolve(null);
    await settled();
    expect(isClosed).toBe(false);
    gates[1]?.resolve(null);
    await closing;
    expect(await Promise.all(answers)).toEqual([['a!'], ['b!']]);
  });

  test('closes at once if nothing is pending', async () => {
    const { commits, gates } = controlled();
    await controlled().commits.close();
    const answer = commits.submit(['a']);
    await settled();
    gates[0]?.resolve(null);
    await answer;
    await commits.close();
  });
});
