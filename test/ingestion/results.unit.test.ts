import { describe, expect, test } from 'vitest';
import {
  ACCEPTED,
  DUPLICATE,
  compareWithStored,
  fillGaps,
  rejected,
} from '../../src/ingestion/results.ts';

describe('an event whose id is stored', () => {
  const event = { id: 'req "1"', contentHash: 'aa' };

  test('is a duplicate if the content is the same', () => {
    expect(compareWithStored('gateway_request_id', event, 'aa')).toEqual({ status: 'duplicate' });
  });

  test('is a conflict if the content differs, naming the id and what stays stored', () => {
    expect(compareWithStored('gateway_request_id', event, 'bb')).toEqual({
      status: 'conflict',
      reason:
        'gateway_request_id "req \\"1\\"" was accepted before with another content, which stays; ' +
        'a new event needs a new id',
    });
  });
});

describe('results', () => {
  test('fills missing results into their places, in order', () => {
    const no = rejected('no');
    expect(fillGaps([null, no, null], [ACCEPTED, DUPLICATE])).toEqual([
      { status: 'accepted' },
      { status: 'rejected', reason: 'no' },
      { status: 'duplicate' },
    ]);
    expect(fillGaps([no], [])).toEqual([no]);
  });

  test('fails if there are fewer results than events, because an event would seem stored', () => {
    expect(() => fillGaps([null, null], [ACCEPTED])).toThrow('fewer results than events');
  });
});
