import { pino } from 'pino';
import { expect, test } from 'vitest';
import { reportOccasionally } from '../../src/observability/tracing/span-export.ts';

test('a loss is told at once, and then with what came on top, when the time has come', () => {
  const lines: { lost_spans: number; reason: string; level: number }[] = [];
  const logger = pino({}, { write: (line) => void lines.push(JSON.parse(line) as never) });
  let now = 0;
  const tellLoss = reportOccasionally(logger, 1_000, () => now);
  tellLoss('refused', 5);
  for (now = 1; now < 1_000; now += 1) tellLoss('refused', 2);
  expect(lines).toHaveLength(1);
  tellLoss('away', 3);
  expect(lines).toMatchObject([
    { level: 40, lost_spans: 5, reason: 'refused' },
    { level: 40, lost_spans: 2 * 999 + 3, reason: 'away' },
  ]);
});
