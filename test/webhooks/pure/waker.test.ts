import pino from 'pino';
import { expect, test } from 'vitest';
import { startWaker } from '../../../src/webhooks/waker.ts';

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

test('one that can not be woken costs the others nothing', async () => {
  const { logger, lines } = listening();
  const woken: string[] = [];
  const all = Promise.withResolvers<null>();
  const waker = startWaker({
    listDue: () => Promise.resolve(['a', 'b', 'c'].map(endpoint)),
    wake: ({ endpointId }) => {
      if (endpointId === 'a') return Promise.reject(new Error('too many signals'));
      woken.push(endpointId);
      if (endpointId === 'c') all.resolve(null);
      return Promise.resolve();
    },
    intervalMs: 60_000,
    logger,
  });
  await all.promise;
  await waker.stop();
  expect(woken).toEqual(['b', 'c']);
  expect(lines).toMatchObject([{ msg: 'could not wake the delivery of webhooks', endpoint: 'a' }]);
});

test('looks again after a look that failed', async () => {
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
    wake: () => {
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
