import { expect, test } from 'vitest';
import { readCarrier, toCarrier } from '../../src/contracts/trace-carrier.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test('what is written is read', () => {
  const point = { traceId: TRACE, spanId: SPAN, isSampled: true, traceState: 'vendor=1' };
  expect(toCarrier(point)).toEqual({
    traceparent: `00-${TRACE}-${SPAN}-01`,
    tracestate: 'vendor=1',
  });
  expect(readCarrier(toCarrier(point))).toEqual(point);
  const other = { traceId: TRACE, spanId: SPAN, isSampled: false };
  expect(readCarrier(toCarrier(other))).toEqual(other);
});

test.each([
  ['nothing', undefined],
  ['null', null],
  ['a text', `00-${TRACE}-${SPAN}-01`],
  ['no traceparent', {}],
  ['a number', { traceparent: 1 }],
  ['too short', { traceparent: `00-${TRACE}-${SPAN.slice(1)}-01` }],
  ['no trace', { traceparent: `00-${'0'.repeat(32)}-${SPAN}-01` }],
  ['no span', { traceparent: `00-${TRACE}-${'0'.repeat(16)}-01` }],
  ['a version that never will be', { traceparent: `ff-${TRACE}-${SPAN}-01` }],
  ['capitals', { traceparent: `00-${TRACE.toUpperCase()}-${SPAN}-01` }],
])('%s says nothing', (_, carrier) => {
  expect(readCarrier(carrier)).toBeNull();
});

test('a later version is read as far as it is known', () => {
  expect(readCarrier({ traceparent: `01-${TRACE}-${SPAN}-03-more` })).toEqual({
    traceId: TRACE,
    spanId: SPAN,
    isSampled: true,
  });
});
