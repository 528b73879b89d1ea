import { expect, test } from 'vitest';
import {
  areEqual,
  judgeDay,
  judgeDeployment,
  mismatchReason,
  showFigures,
  type DayState,
} from '../../src/domain/gateway-totals.ts';

const figures = (requests: string, charge_cents: string) => ({ requests, charge_cents });
const NONE = figures('0', '0');

test.each([
  [figures('2', '1.5'), figures('2', '1.5'), 'equal'],
  [figures('2', '1.50'), figures('2', '1.5'), 'equal'],
  [NONE, NONE, 'equal'],
  [null, NONE, 'equal'],
  [null, figures('1', '0'), 'missing'],
  [figures('1', '0'), NONE, 'different'],
  [NONE, figures('1', '0'), 'different'],
  [figures('2', '1.5'), figures('3', '1.5'), 'different'],
  [figures('2', '1.500000000001'), figures('2', '1.5'), 'different'],
])('a total of %j and usage of %j: %s', (stated, ledger, state) => {
  expect(judgeDay(stated, ledger, false)).toBe(state);
  expect(judgeDay(stated, ledger, true)).toBe(state === 'different' ? 'accepted' : state);
});

test('sums beyond 2^53 differ by the last digit', () => {
  const large = figures('9007199254740993', '9007199254740993.000000000001');
  expect(areEqual(large, large)).toBe(true);
  expect(areEqual(large, figures('9007199254740992', '9007199254740993.000000000001'))).toBe(false);
  expect(areEqual(large, figures('9007199254740993', '9007199254740993.000000000002'))).toBe(false);
});

test.each<[readonly DayState[], DayState]>([
  [[], 'equal'],
  [['equal', 'equal'], 'equal'],
  [['accepted', 'equal'], 'accepted'],
  [['accepted', 'missing'], 'missing'],
  [['missing', 'different', 'accepted'], 'different'],
])('a deployment with days %j is %s', (days, state) => {
  expect(judgeDeployment(days)).toBe(state);
});

test('a reason names three days, what the quarantine holds, and how many more there are', () => {
  const day = (on: string, held = NONE) => ({
    ...{ deployment_id: 'acme-a', day: on, held },
    ...{ stated: figures('1204', '123456.5'), ledger: figures('1', '0.25') },
  });
  const days = [day('2026-05-01', figures('1203', '10')), day('2026-05-02'), day('2026-05-03')];
  expect(mismatchReason([...days, day('2026-05-04'), day('2026-05-05')], 'AUD')).toBe(
    'control totals differ from the ledger: ' +
      'acme-a on 2026-05-01: the gateway stated 1,204 requests, AUD 1,234.565, ' +
      'the ledger has 1 request, AUD 0.0025, and the quarantine 1,203 requests, AUD 0.10; ' +
      'acme-a on 2026-05-02: the gateway stated 1,204 requests, AUD 1,234.565, the ledger has 1 request, AUD 0.0025; ' +
      'acme-a on 2026-05-03: the gateway stated 1,204 requests, AUD 1,234.565, the ledger has 1 request, AUD 0.0025; ' +
      'and 2 more days. Have the missing usage or corrected totals sent, or accept the differences with a reason',
  );
  expect(mismatchReason([...days, day('2026-05-04')], 'AUD')).toContain('; and 1 more day. ');
  expect(mismatchReason([day('2026-05-02')], 'AUD')).toContain('AUD 0.0025. Have the missing');
});

test('figures are shown in the currency', () => {
  expect(showFigures(figures('1', '1234'), 'JPY')).toBe('1 request, JPY 1,234');
  expect(showFigures(figures('2', '1234'), 'KWD')).toBe('2 requests, KWD 1.234');
});
