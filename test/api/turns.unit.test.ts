import { expect, test } from 'vitest';
import { createTurns } from '../../src/api/http/read-body.ts';

test('events that arrive during a turn are handled before the next one', async () => {
  const takeTurn = createTurns();
  const order: string[] = [];
  const turns = ['a', 'b'].map(async (name) => {
    await takeTurn();
    order.push(name);
    setImmediate(() => order.push(`came in during ${name}`));
  });
  await Promise.all(turns);
  expect(order).toEqual(['a', 'came in during a', 'b']);
});
