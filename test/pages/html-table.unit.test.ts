import { describe, expect, test } from 'vitest';
import { table, type TableOptions } from '../../src/api/pages/views/html-table.ts';
import { markup } from '../../src/lib/markup.ts';

interface Payment {
  readonly id: string;
  readonly method: string;
  readonly cents: number;
}

const PAYMENTS: readonly Payment[] = [
  { id: 'bank-1', method: 'bank transfer', cents: 1200 },
  { id: 'bank-2', method: '', cents: 300 },
];
const render = (changes: Partial<TableOptions<Payment>> = {}) =>
  table<Payment>({
    caption: 'Payments',
    empty: 'No payments yet.',
    rows: PAYMENTS,
    columns: [
      {
        head: markup`<span class="heard">Select</span>`,
        cell: ({ id }) => markup`<input type="checkbox" value="${id}" aria-label="${id}">`,
      },
      { head: 'Payment', isHead: true, cell: ({ id }) => id },
      { head: 'Method', cell: ({ method }) => method },
      { head: 'Amount', isFigure: true, cell: ({ cents }) => cents },
    ],
    ...changes,
  }).text;

describe('a table with many columns', () => {
  test('labels each cell for phones with the text of its head', () => {
    const html = render();
    expect(html).toContain('<table class="stacked">');
    expect(html).toContain('<td class="figure" data-label="Amount">1200</td>');
    expect(html).toContain('<td class="" data-label="Method">bank transfer</td>');
    expect(html).toContain('<td class=""><input type="checkbox" value="bank-1"');
  });

  test('marks cells without content, which phones skip', () => {
    expect(render()).toContain('<td class="blank" data-label="Method"></td>');
  });

  test('puts sums below their columns', () => {
    const html = render({ sums: [{ name: 'Total', figures: { Amount: '1500' } }] });
    expect(html).toContain(
      '<tfoot><tr><td class="blank"></td><th scope="row" class="">Total</th>' +
        '<td class="blank" data-label="Method"></td><td class="figure" data-label="Amount">1500</td></tr></tfoot>',
    );
  });
});

test('a table with up to three columns stays a table on phones', () => {
  const html = render({
    columns: [
      { head: 'Payment', isHead: true, cell: ({ id }) => id },
      { head: 'Amount', isFigure: true, cell: ({ cents }) => cents },
    ],
  });
  expect(html).toContain('<table>');
  expect(html).toContain('<td class="figure">1200</td>');
});

test('a table without rows says so', () => {
  expect(render({ rows: [] })).toBe('<p class="empty">No payments yet.</p>');
});
