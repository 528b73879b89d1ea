import { expect, test } from 'vitest';
import { readLitellmEvents } from '../../../src/ingestion/litellm/read-litellm-events.ts';

/** Yields the chunks, then fails if there is an error. */
async function* sending(chunks: readonly string[], error?: Error): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk));
  if (error) throw error;
}

async function groupsOf(
  chunks: AsyncIterable<Buffer>,
): Promise<{ sizes: number[]; error: unknown }> {
  const sizes: number[] = [];
  try {
    for await (const group of readLitellmEvents(chunks)) sizes.push(group.length);
    return { sizes, error: null };
  } catch (error) {
    return { sizes, error };
  }
}

test('yields one group at the end of an ordinary batch', async () => {
  const { sizes } = await groupsOf(sending(['[{"id":"a"},{"id', '":"b"},', '{}]']));
  expect(sizes).toEqual([3]);
});

test('yields what arrived whole before the error of a body that breaks off', async () => {
  const error = new Error('broken off');
  const found = await groupsOf(sending(['[{"id":"a"},{"id":"b"},{"id"'], error));
  expect(found).toEqual({ sizes: [2], error });
  expect(await groupsOf(sending([], error))).toEqual({ sizes: [], error });
});

test('yields groups of bounded numbers and sizes', async () => {
  const many = Array.from({ length: 50 }, () => '{},'.repeat(50));
  const { sizes } = await groupsOf(sending(many));
  expect(sizes).toEqual([1_000, 1_000, 500]);
  const long = Array.from({ length: 200 }, () => `{"id":"${'x'.repeat(20_000)}"}`);
  const ofLong = await groupsOf(sending(long));
  // Of a text, 16 KiB are kept.
  expect(ofLong.sizes.slice(0, -1)).toEqual([64, 64, 64]);
});

test('stops reading when its reader stops', async () => {
  let isClosed = false;
  async function* endless(): AsyncGenerator<Buffer> {
    try {
      for (;;) yield await Promise.resolve(Buffer.from('{}'.repeat(1_000)));
    } finally {
      isClosed = true;
    }
  }
  for await (const group of readLitellmEvents(endless())) {
    expect(group).toHaveLength(1_000);
    break;
  }
  expect(isClosed).toBe(true);
});
