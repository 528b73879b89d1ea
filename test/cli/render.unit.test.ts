import { describe, expect, test } from 'vitest';
import { fitWidths, renderTable, type Column } from '../../src/cli/render/text-table.ts';
import { renderBar, renderDuration, renderStanding } from '../../src/cli/render/progress-bar.ts';

interface Row {
  readonly id: string;
  readonly cents: number;
  readonly why: string | null;
}
const COLUMNS: readonly Column<Row>[] = [
  { head: 'id', value: ({ id }) => id },
  { head: 'amount', align: 'right', value: ({ cents }) => cents },
  { head: 'why', wrap: true, value: ({ why }) => why },
];
const ROWS: readonly Row[] = [
  { id: 'acme-000001', cents: 5, why: 'the meters were late and came in twice' },
  { id: 'b', cents: 1234, why: null },
];

describe('a table', () => {
  test('is as wide as it is where nobody gives a width', () => {
    expect(renderTable(COLUMNS, ROWS, 'none', null)).toBe(
      [
        'id           amount  why',
        'acme-000001       5  the meters were late and came in twice',
        'b              1234',
      ].join('\n'),
    );
  });

  test('wraps words, and nothing else, to fit', () => {
    expect(renderTable(COLUMNS, ROWS, 'none', 45)).toBe(
      [
        'id           amount  why',
        'acme-000001       5  the meters were late',
        '                     and came in twice',
        'b              1234',
      ].join('\n'),
    );
  });

  test('where that is not enough, tells row by row, and cuts nothing off', () => {
    expect(renderTable(COLUMNS, ROWS, 'none', 25)).toBe(
      [
        'id      acme-000001',
        'amount  5',
        'why     the meters were late and came in twice',
        '',
        'id      b',
        'amount  1234',
      ].join('\n'),
    );
  });

  test.each([10, 20, 30, 40, 50, 60, 70])('in %i columns has every word', (width) => {
    const text = renderTable(COLUMNS, ROWS, 'none', width);
    for (const word of ['acme-000001', '1234', ...(ROWS[0]?.why?.split(' ') ?? [])]) {
      expect(text).toContain(word);
    }
  });

  test('without rows says so', () => {
    expect(renderTable(COLUMNS, [], 'no invoices', 10)).toBe('no invoices');
  });
});

describe('the widths of columns', () => {
  const id = { wrap: false, texts: ['123456'] };
  const words = (text: string) => ({ wrap: true, texts: [text] });

  test('the widest gives way first', () => {
    expect(fitWidths([words('aa bb cc dd'), words('aa bb'), id], 20, 1)).toEqual([7, 5, 6]);
  });
  test('no narrower than the longest word', () => {
    expect(fitWidths([words('aaaaa b'), id], 12, 1)).toEqual([5, 6]);
    expect(fitWidths([words('aaaaa b'), id], 11, 1)).toBeNull();
  });
  test('a line break is one', () => {
    expect(fitWidths([{ wrap: false, texts: ['12\n123'] }], Infinity, 1)).toEqual([3]);
  });
});

describe('how far something is', () => {
  const standing = {
    what: 'Archiving 2026-05',
    unit: 'events',
    done: 12_300,
    total: 27_000,
    from: 0,
    elapsedMs: 10_000,
  };

  test('in a sentence, with speed and time left', () => {
    expect(renderStanding(standing)).toBe(
      'Archiving 2026-05: 45 %, 12,300 of 27,000 events, 1,230/s, 12 s left',
    );
  });
  test('what was done before is no speed', () => {
    expect(renderStanding({ ...standing, from: 12_000 })).toContain('30/s, 8 min 10 s left');
  });
  test('shows no speed within the first second', () => {
    expect(renderStanding({ ...standing, elapsedMs: 999 })).toBe(
      'Archiving 2026-05: 45 %, 12,300 of 27,000 events',
    );
  });
  test('without a total there is nothing left to tell', () => {
    expect(renderStanding({ ...standing, total: null, remark: '2026-05' })).toBe(
      'Archiving 2026-05: 12,300 events, 1,230/s, 2026-05',
    );
  });
  test('it is done at 100 %, and not before', () => {
    const nearly = renderStanding({ ...standing, done: 26_999 });
    expect(nearly).toContain('99 %');
    const done = renderStanding({ ...standing, done: 27_000 });
    expect(done).toContain('100 %');
    expect(done).not.toContain('left');
  });
  test('of nothing, all is done', () => {
    expect(renderStanding({ ...standing, done: 0, total: 0 })).toContain('100 %, 0 of 0 events');
  });
  test('bytes are told in MiB', () => {
    const mib = 1024 * 1024;
    const bytes = { ...standing, unit: 'bytes', done: 30 * mib, total: 60 * mib };
    expect(renderStanding(bytes)).toBe(
      'Archiving 2026-05: 50 %, 30.0 of 60.0 MiB, 3.0 MiB/s, 10 s left',
    );
  });

  test('as a bar', () => {
    expect(renderBar({ ...standing, done: 13_500, elapsedMs: 0 }, 80)).toBe(
      'Archiving 2026-05 ━━━━━━━━━━━━━━────────────── 50 % · 13,500/27,000 events',
    );
  });
  test.each([10, 20, 40, 60, 80, 200])('that fits into %i columns', (width) => {
    expect(renderBar({ ...standing, remark: '27 invoiced' }, width).length).toBeLessThan(width);
  });

  test.each([
    [0.2, '1 s'],
    [59, '59 s'],
    [60, '1 min 00 s'],
    [3599, '59 min 59 s'],
    [7800, '2 h 10 min'],
  ])('%d seconds: %s', (seconds, text) => {
    expect(renderDuration(seconds)).toBe(text);
  });
});
