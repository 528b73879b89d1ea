import { describe, expect, test } from 'vitest';
import { dailyLive, dailySection } from '../../src/api/pages/views/daily-html.ts';
import { dayChart, roundUp } from '../../src/api/pages/views/day-chart.ts';
import { roundedMoney, shorten } from '../../src/api/pages/views/page-format.ts';
import { foldDays, type UsageOfDay } from '../../src/domain/daily-figures.ts';
import { Decimal } from '../../src/domain/decimal.ts';
import { hours, llm } from '../domain/_usage-of-days.ts';
import { ATTACK, HARMLESS } from './_views.ts';

describe('a chart', () => {
  test.each([
    ['0', '1'],
    ['1', '1'],
    ['1.01', '2'],
    ['3', '4'],
    ['41', '100'],
    ['0.00012', '0.0002'],
    ['999999999999999999', '1000000000000000000'],
  ])('of at most %s ends at %s', (value, top) => {
    expect(roundUp(new Decimal(value)).toFixed()).toBe(top);
  });

  test('has a column per day, whose parts are stacked in proportion', () => {
    const { text } = dayChart(
      [
        {
          parts: [
            { part: 1, value: '1' },
            { part: 2, value: '3' },
          ],
          title: 'first',
        },
        { parts: [{ part: 1, value: '-5' }], title: 'second' },
      ],
      (value) => `<${value}>`,
    );
    const columns = [
      ...text.matchAll(/class="part-(\d)"[^>]* y="([\d.]+)"[^>]* height="([\d.]+)"/g),
    ];
    // 132 pixels for 4, from the base at 140 upwards; a negative day has no column.
    expect(columns.map(([, part, y, height]) => [part, y, height])).toEqual([
      ['1', '107.00', '33.00'],
      ['2', '8.00', '99.00'],
    ]);
    expect(text.match(/<title>/g)).toHaveLength(2);
    expect(text).toContain('&lt;4&gt;');
    expect(text).toContain('&lt;2&gt;');
    expect(text).not.toMatch(/style=|NaN|Infinity/);
  });

  test('without usage has no columns', () => {
    const { text } = dayChart([{ parts: [{ part: 1, value: '0' }], title: '' }], String);
    expect(text).not.toMatch(/part-|NaN/);
  });
});

describe('the section of a month', () => {
  const view = { month: '2026-05', timeZone: 'UTC', usageHref: '/tenant/usage' };
  const asOf = new Date('2026-05-25T02:00:00Z');
  const ready = (usage: readonly UsageOfDay[]) =>
    ({ state: 'ready', asOf, figures: foldDays(usage, 31) }) as const;

  test('refreshes until the sums are there', () => {
    const waiting = dailySection({ ...view, usage: { state: 'computing' } }).text;
    expect(waiting).toContain('data-live="/tenant/usage/2026-05/live"');
    expect(waiting).not.toContain('data-ended');
    for (const usage of [ready([]), ready([hours(1, '5')]), { state: 'failed' } as const]) {
      expect(dailySection({ ...view, usage }).text).not.toContain('data-live');
      expect(dailyLive({ ...view, usage }).text).toContain('data-ended');
    }
  });

  test('says when the sums were made, and has them in a table as well', () => {
    const { text } = dailyLive({
      ...view,
      usage: ready([llm(2, ATTACK, '150'), hours(2, '-6.5')]),
    });
    expect(text).toContain('as of 2026-05-25 02:00 UTC');
    expect(text).toMatch(/2\u00a0May 2026<\/th>.*AUD 1\.50.*−6\.5/s);
    expect(text).toContain(HARMLESS);
    expect(text).not.toContain(ATTACK);
  });

  test("calls resource kinds as the tenant's plan does", () => {
    const usage = ready([hours(2, '5')]);
    expect(dailyLive({ ...view, usage }).text).toContain('<figcaption>Droplet hours<');
    const names = new Map([['droplet_hours', 'Droplets']]);
    expect(dailyLive({ ...view, usage, names }).text).toContain('<figcaption>Droplets<');
  });
});

test.each([
  ['1234.567', '1234.57', 'AUD 12.35'],
  ['0.00123456', '0.00123', 'AUD 0.0000123'],
  ['0', '0', 'AUD 0.00'],
  ['-6.5', '-6.5', 'AUD −0.07'],
])('%s is shortened to %s, and as cents to %s', (exact, short, money) => {
  expect(shorten(exact)).toBe(short);
  expect(roundedMoney(exact, 'AUD')).toBe(money);
});
