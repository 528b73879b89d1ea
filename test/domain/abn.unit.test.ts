import { expect, test } from 'vitest';
import { formatAbn, isAbn } from '../../src/domain/abn.ts';

// The Australian Business Register's example, the tax office's own number, and a company's.
test.each(['51824753556', '53004085616', '83914571673'])('accepts %s', (digits) => {
  expect(isAbn(digits)).toBe(true);
});

test('rejects a number with any one digit changed', () => {
  const abn = '51824753556';
  for (let place = 0; place < abn.length; place += 1) {
    for (const digit of '0123456789') {
      const other = abn.slice(0, place) + digit + abn.slice(place + 1);
      if (other !== abn) expect(isAbn(other), other).toBe(false);
    }
  }
});

test.each(['', '5182475355', '518247535560', '51 824 753 556', '5182475355x', '00000000000'])(
  'rejects %j',
  (text) => {
    expect(isAbn(text)).toBe(false);
  },
);

test('is formatted like in the register', () => {
  expect(formatAbn('51824753556')).toBe('51 824 753 556');
});
