import pino from 'pino';
import { expect, test } from 'vitest';
import { startWaker } from '../../src/webhooks/waker.ts';

const endpoint = (endpointId: string) => ({ endpointId, url: 'https://example.com/hooks' });

function listening() {
  const lines: { msg: string; endpoint?: string }[] = [];
  const logger = pino(
    {},
    {
      write: (line: string) =>
        void lines.push(JSON.parse(line) as { msg: string; endpoint?: string }),
    },
  );
  return { logger, lines };
}

test('a delivery that fails to start does not prevent others', async () => {
  const { logger, lines } = listening();
  const started: string[] = [];
  const all = Promise.withResolvers<null>();
  const waker = startWaker({
    listDue: () => Promise.resolve(['a', 'b', 'c'].map(endpoint)),
    start: ({ endpointId }) => {
      if (endpointId === 'a') return Promise.reject(new Error('Temporal is away'));
      started.push(endpointId);
      if (endpointId === 'c') all.resolve(null);
      return Promise.resolve();
    },
    intervalMs: 60_000,
    logger,
  });
  await all.promise;
  await waker.stop();
  expect(started).toEqual(['b', 'c']);
  expect(lines).toMatchObject([{ msg: 'could not start the delivery of webhooks', endpoint: 'a' }]);
});

test('checks again after a failed check', async () => {
  const { logger, lines } = listening();
  const found = Promise.withResolvers<null>();
  let looks = 0;
  const waker = startWaker({
    listDue: () => {
      looks += 1;
      return looks === 1
        ? Promise.reject(new Error('the database is away'))
        : Promise.resolve([endpoint('a')]);
    },
    start: () => {
      found.resolve(null);
      return Promise.resolve();
    },
    intervalMs: 1,
    logger,
  });
  await found.promise;
  await waker.stop();
  expect(lines).toMatchObject([{ msg: 'could not look for webhooks that are due' }]);
});
