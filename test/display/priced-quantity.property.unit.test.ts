import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineText } from '../../src/display/line-text.ts';
import { inPricedUnit, roundedDecimal } from '../../src/display/priced-quantity.ts';
import { quote } from '../../src/domain/quote.ts';
import { lineToJson } from '../../src/domain/quote-json.ts';
import {
  anyAddons,
  anyFraction,
  anyPlanVersion,
  anyUsage,
  divideHalfUp,
  fractionText,
} from '../domain/_arbitraries.ts';

/** A number as people read it, as a quotient of integers. */
function read(text: string): readonly [bigint, bigint] {
  const [dividend = '', divisor = '1'] = text.replaceAll(',', '').split('/');
  const [whole = '', fraction = ''] = dividend.split('.');
  const [whole2 = '', fraction2 = ''] = divisor.split('.');
  return [
    BigInt(whole + fraction) * 10n ** BigInt(fraction2.length),
    BigInt(whole2 + fraction2) * 10n ** BigInt(fraction.length),
  ];
}

test('for any overage, the shown quantity × the shown price is the amount before rounding', () => {
  let lines = 0;
  fc.assert(
    fc.property(anyPlanVersion, anyAddons, anyUsage, (planVersion, addons, usage) => {
      for (const line of quote(planVersion, addons, { usage }).overage.lines) {
        const { quantity, unitPrice } = lineText(lineToJson(line), planVersion.currency);
        const [qty, qtyDivisor] = read(quantity.number);
        const [price, priceDivisor] = read(unitPrice?.number ?? '');
        // USD has 100 minor units.
        expect(divideHalfUp(qty * price * 100n, qtyDivisor * priceDivisor)).toBe(
          BigInt(line.amountCents),
        );
        lines += 1;
      }
    }),
  );
  expect(lines).toBeGreaterThan(20);
});

const anyFactor = fc.oneof(
  fc.constantFrom('1', '10', '1000', '1000000', '3600', '730', '0.5', '0.3'),
  anyFraction.map(fractionText).filter((text) => /[1-9]/.test(text)),
);

test('a quantity in its priced unit is exact', () => {
  fc.assert(
    fc.property(anyFraction.map(fractionText), anyFactor, (qty, factor) => {
      const { dividend, divisor } = inPricedUnit(qty, factor);
      const [shown, shownDivisor] = read(`${dividend}/${divisor}`);
      const [base, baseDivisor] = read(qty);
      const [unit, unitDivisor] = read(factor);
      expect(shown * baseDivisor * unit).toBe(base * unitDivisor * shownDivisor);
    }),
  );
});

test.each([
  ['500000', '1000', '500', '1'],
  ['0', '3600', '0', '1'],
  ['1800', '3600', '0.5', '1'],
  ['1', '3600', '1', '3600'],
  ['-1500', '1000', '-1.5', '1'],
  ['0.000000000001', '1000000', '0.000000000000000001', '1'],
  // 2^-40 has 40 decimals.
  ['1', '1099511627776', '1', '1099511627776'],
])('%s ÷ %s', (qty, factor, dividend, divisor) => {
  expect(inPricedUnit(qty, factor)).toEqual({ dividend, divisor });
});

test('a number without end is rounded to 12 decimals where only a decimal will do', () => {
  expect(roundedDecimal({ dividend: '19', divisor: '31' })).toBe('0.612903225806');
  expect(roundedDecimal({ dividend: '1.5', divisor: '1' })).toBe('1.5');
});
