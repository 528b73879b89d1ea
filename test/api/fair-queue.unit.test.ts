import { describe, expect, test } from 'vitest';
import { createFairQueue, type FairQueueOptions } from '../../src/lib/fair-queue.ts';
import { OverloadedError } from '../../src/lib/group-commit.ts';

const queueOf = (options: Partial<FairQueueOptions> = {}) =>
  createFairQueue({
    maxConcurrent: 1,
    maxConcurrentPerOwner: 1,
    maxWaitingPerOwner: 10,
    ...options,
  });

/** Lets everything that is ready run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Enters the queue and records when its turn comes. */
function enterAll(queue: ReturnType<typeof queueOf>, owners: readonly string[]) {
  const order: string[] = [];
  const turns = owners.map((owner, index) =>
    queue.enter(owner).then((leave) => {
      order.push(`${owner}${index}`);
      return leave;
    }),
  );
  return { order, turns };
}

describe('turns', () => {
  test('rotate between owners, however many requests one has waiting', async () => {
    const { order, turns } = enterAll(queueOf(), ['a', 'a', 'a', 'b', 'c', 'b']);
    for (const turn of [0, 3, 4, 1, 5, 2]) (await turns[turn]!)();
    await settle();
    expect(order).toEqual(['a0', 'b3', 'c4', 'a1', 'b5', 'a2']);
  });

  test('are limited in total and per owner', async () => {
    const queue = queueOf({ maxConcurrent: 3, maxConcurrentPerOwner: 2 });
    const { order, turns } = enterAll(queue, ['a', 'a', 'a', 'b', 'c']);
    await settle();
    expect(order).toEqual(['a0', 'a1', 'b3']);
    (await turns[0]!)();
    await settle();
    expect(order.slice(3)).toEqual(['c4']);
    (await turns[1]!)();
    await settle();
    expect(order.slice(4)).toEqual(['a2']);
  });

  test('end once, even if ended repeatedly', async () => {
    const { order, turns } = enterAll(queueOf(), ['a', 'a', 'a']);
    const leave = await turns[0]!;
    leave();
    leave();
    await settle();
    expect(order).toEqual(['a0', 'a1']);
  });

  test('end if the work fails', async () => {
    const queue = queueOf();
    await expect(queue.run('a', () => Promise.reject(new Error('broken')))).rejects.toThrow(
      'broken',
    );
    expect(await queue.run('a', () => Promise.resolve('done'))).toBe('done');
  });
});

test('rejects only the owner with too many waiting requests', async () => {
  const queue = queueOf({ maxWaitingPerOwner: 2 });
  const { turns } = enterAll(queue, ['a', 'a', 'a']);
  await expect(queue.enter('a')).rejects.toBeInstanceOf(OverloadedError);
  const other = queue.enter('b');
  (await turns[0]!)();
  expect(await other).toBeTypeOf('function');
});
