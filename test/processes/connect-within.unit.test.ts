import { expect, test } from 'vitest';
import { connectWithin, UnreachableError, type Dependency } from '../../src/lib/connect-within.ts';

/** A server that refuses connections as often as it is told, and then answers. */
function server({ refusals = Infinity, isWorthWaiting = true } = {}) {
  let attempts = 0;
  const dependency: Dependency<string> = {
    name: 'PostgreSQL',
    address: 'db:5432',
    connect: () => {
      attempts += 1;
      return attempts <= refusals
        ? Promise.reject(new Error('no answer', { cause: new Error('connect ECONNREFUSED') }))
        : Promise.resolve('connected');
    },
    isWorthWaiting: () => isWorthWaiting,
  };
  return { dependency, attempts: () => attempts };
}

test('retries until the server answers, and reports each failed attempt', async () => {
  const notes: string[] = [];
  const onFailure = (message: string) => notes.push(message);
  const { dependency } = server({ refusals: 1 });
  expect(await connectWithin(dependency, { timeoutSeconds: 10, onFailure })).toBe('connected');
  expect(notes).toEqual([
    "PostgreSQL at db:5432 can't be reached (connect ECONNREFUSED): attempt 1, trying again",
  ]);
});

test('gives up when the time is over, and says what was not reached and why', async () => {
  const { dependency, attempts } = server();
  const error = await connectWithin(dependency, { timeoutSeconds: 0.3 }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(UnreachableError);
  expect(error).toMatchObject({
    message: "PostgreSQL at db:5432 can't be reached (connect ECONNREFUSED); gave up after 0.3 s",
    dependency: 'PostgreSQL',
    cause: { message: 'no answer' },
  });
  expect(attempts()).toBeGreaterThan(1);
});

test('throws at once what waiting cannot fix', async () => {
  const { dependency, attempts } = server({ isWorthWaiting: false });
  await expect(connectWithin(dependency, { timeoutSeconds: 10 })).rejects.toThrow('no answer');
  expect(attempts()).toBe(1);
});

test('stops waiting when it is aborted', async () => {
  const { dependency, attempts } = server();
  const signal = AbortSignal.timeout(50);
  const connecting = connectWithin(dependency, { timeoutSeconds: 60, signal });
  await expect(connecting).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(attempts()).toBe(1);
});
