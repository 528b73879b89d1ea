import { expect, test } from 'vitest';
import { formatDate, formatDays, formatMonth } from '../../src/display/dates.ts';
import { humanise } from '../../src/display/names.ts';

test('dates and months', () => {
  expect(formatDate('2026-06-01')).toBe('1\u00a0June 2026');
  expect(formatMonth('2026-12')).toBe('December 2026');
  expect(formatDays('2026-05-01', '2026-05-19')).toBe('1–19\u00a0May');
  expect(formatDays('2026-05-31', '2026-05-31')).toBe('31\u00a0May');
});

test.each([
  ['llm_tokens', 'LLM tokens'],
  ['storage_50gb', 'Storage 50 GB'],
  ['droplet-hours', 'Droplet hours'],
  ['50gbps', '50gbps'],
  ['GPU blocks', 'GPU blocks'],
  ['__proto__', 'Proto'],
  ['_', '_'],
])('a code in words: %s', (code, words) => {
  expect(humanise(code)).toBe(words);
});
