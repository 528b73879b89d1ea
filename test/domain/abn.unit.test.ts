import { expect, test } from 'vitest';
import { formatAbn, isAbn } from '../../src/domain/abn.ts';

// The example of the Australian Business Register, the tax office's own, and one of a company.
test.each(['51824753556', '53004085616', '83914571673'])('%s is one', (digits) => {
  expect(isAbn(digits)).toBe(true);
});

test('another digit in any place is none', () => {
  const abn = '51824753556';
  for (let place = 0; place < abn.length; place += 1) {
    for (const digit of '0123456789') {
      const other = abn.slice(0, place) + digit + abn.slice(place + 1);
      if (other !== abn) expect(isAbn(other), other).toBe(false);
    }
  }
});

test.each(['', '5182475355', '518247535560', '51 824 753 556', '5182475355x', '00000000000'])(
  '%j is none',
  (text) => {
    expect(isAbn(text)).toBe(false);
  },
);

test('it is printed as the register prints it', () => {
  expect(formatAbn('51824753556')).toBe('51 824 753 556');
});
