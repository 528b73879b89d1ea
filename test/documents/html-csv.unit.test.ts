import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { documentCsv, SUMMARY_CSV_HEAD, summaryCsvRows } from '../../src/documents/document-csv.ts';
import { documentHtml } from '../../src/documents/document-html.ts';
import { makeDocument } from '../../src/documents/render-document.ts';
import { AMOUNTS, CREDIT, SELLER, UNTAXED, line, manyLines, sourceOf } from './_source.ts';

const EVIL = `=1+1</td><script>alert("&'")</script>`;
const readCsv = (text: string) =>
  parse<Record<string, string>>(text, { columns: true, record_delimiter: '\r\n' });

describe('HTML', () => {
  test('escapes every text that comes from outside', () => {
    const buyer = { legal_name: EVIL, abn: null, address: [EVIL], contact: EVIL, email: EVIL };
    const source = sourceOf([line({ description: EVIL, deployment_id: EVIL })], { buyer });
    const html = documentHtml(makeDocument(source, { ...SELLER, legal_name: EVIL }));
    expect(html).not.toContain('<script');
    expect(html.match(/=1\+1&lt;\/td&gt;&lt;script&gt;/g)?.length).toBe(7);
  });

  test('loads no resource and runs no script', () => {
    const html = documentHtml(makeDocument(sourceOf(manyLines(3)), SELLER));
    expect(html).not.toMatch(/<script|<link|<img|https?:|src=|@import|url\(|style=| on\w+=/);
  });

  test('gives every row all cells and every header cell a scope', () => {
    const html = documentHtml(makeDocument(sourceOf(manyLines(20)), SELLER));
    expect(html.match(/<tbody>/g)).toHaveLength(2);
    expect(html.match(/<th(?![a-z])(?! scope)/g)).toBeNull();
    const rows = html.match(/<tr><td>.*<\/tr>/g) ?? [];
    expect(rows).toHaveLength(20);
    for (const row of rows) expect(row.match(/<td/g)).toHaveLength(4);
  });
});

test('a revision without charges shows both parties, a total of 0 and no lines', () => {
  const source = sourceOf([], { revision: 2 });
  const html = documentHtml(makeDocument(source, SELLER));
  expect(html).toContain('Total AUD, including GST</th><td class="n">0.00</td>');
  expect(readCsv(documentCsv(source, SELLER))).toEqual([]);
  expect(readCsv(SUMMARY_CSV_HEAD + summaryCsvRows([source]))).toMatchObject([{ total: '0.00' }]);
});

describe.each(AMOUNTS)('in $currency', ({ currency, shown, plain, total }) => {
  const source = sourceOf([line({ unit_price_cents: '1234567', amount_cents: 1_234_567 })], {
    currency,
  });

  test('HTML shows the decimals of the currency', () => {
    const html = documentHtml(makeDocument(source, SELLER));
    expect(html).toContain(`<td class="n">${shown} per\u00a0month</td><td class="n">${shown}</td>`);
    expect(html).toContain(`Total ${currency}, including GST</th><td class="n">${total}</td>`);
  });

  test('CSV and the summary show the decimals of the currency', () => {
    expect(readCsv(documentCsv(source, SELLER))[0]).toMatchObject({
      ...{ currency, unit_price: plain, amount: plain },
    });
    expect(readCsv(SUMMARY_CSV_HEAD + summaryCsvRows([source]))[0]).toMatchObject({
      ...{ currency, subtotal: plain, total: total.replaceAll(',', '') },
    });
  });
});

describe('CSV', () => {
  test('has one row per line plus one for GST, and they add up to the total', () => {
    const source = sourceOf(manyLines(300));
    const rows = readCsv(documentCsv(source, SELLER));
    expect(rows).toHaveLength(301);
    const cents = rows.reduce((sum, { amount = '' }) => sum + BigInt(amount.replace('.', '')), 0n);
    expect(cents).toBe(BigInt(source.total_cents));
    expect(rows[0]).toMatchObject({
      document: 'invoice',
      number: 'acme-000007',
      due_on: '2026-06-15',
      buyer_abn: '53004085616',
      description: 'Kind 0 overage',
      details: 'Used 1,500,000 tokens, of which 1,000,000 included',
      quantity: '500',
      quantity_unit: '× 1,000 tokens',
      unit_price: '0.01',
      amount: '5.00',
      qty: '500000',
      unit: '1k_tokens',
      unit_factor: '1000',
      days: '',
    });
  });

  test('has invoice items with their sign, and says which lines are taxable', () => {
    const rows = readCsv(documentCsv(sourceOf([line(), CREDIT, UNTAXED]), SELLER));
    expect(rows).toMatchObject([
      { kind: 'plan_base', taxable: 'true', item_id: '' },
      {
        description: 'Outage credit',
        details: 'For April 2026. Part of a credit of AUD 100.00',
        quantity: '1',
        quantity_unit: 'item',
        unit_price: '',
        ...{ amount: '-4.00', taxable: 'true', deployment_id: '', item_id: 'outage' },
      },
      { details: 'Not taxable', amount: '20.00', taxable: 'false' },
      { kind: 'tax', amount: '0.60', taxable: '' },
    ]);
  });

  test('has the days of a charge for part of a month', () => {
    const meta = {
      proration_fraction: '19/31',
      service_from: '2026-05-01',
      service_to: '2026-05-19',
    };
    const [row] = readCsv(documentCsv(sourceOf([line({ meta })]), SELLER));
    expect(row).toMatchObject({
      details: '1–19 May, 19 of 31 days',
      quantity: '0.612903225806',
      quantity_unit: 'month',
      qty: '1',
      service_from: '2026-05-01',
      service_to: '2026-05-19',
      days: '19',
      days_in_month: '31',
    });
  });

  test('has the dates of the month that late usage comes from', () => {
    const late = line({
      ...{ kind: 'llm_usage', description: 'LLM usage, late for 2026-02', unit_price_cents: null },
      meta: { exact_cents: '1000.5', service_month: '2026-02' },
    });
    const [row] = readCsv(documentCsv(sourceOf([late]), SELLER));
    expect(row).toMatchObject({
      description: 'LLM usage, late for February 2026',
      details: 'Service period 1–28 February 2026. Before rounding: AUD 10.005',
      ...{ service_from: '2026-02-01', service_to: '2026-02-28', days: '' },
    });
  });

  test('escapes texts that look like formulas and leaves amounts as they are', () => {
    const source = sourceOf([line({ description: EVIL, amount_cents: -500 })]);
    const [row] = readCsv(documentCsv(source, SELLER));
    expect(row).toMatchObject({ description: `'${EVIL}`, amount: '-5.00' });
  });

  test('the summary has one row per invoice', () => {
    const superseded = { status: 'superseded', superseded_by_number: 'acme-000008' } as const;
    const text = SUMMARY_CSV_HEAD + summaryCsvRows([sourceOf(), sourceOf([line()], superseded)]);
    expect(readCsv(text)).toMatchObject([
      { number: 'acme-000007', subtotal: '10.00', tax: '1.00', total: '11.00', superseded_by: '' },
      {
        status: 'superseded',
        tax_treatment: 'gst',
        tax_rate: '0.10',
        tax_aud: '',
        superseded_by: 'acme-000008',
        issued_on: '2026-06-01',
      },
    ]);
  });
});

describe('the appendix of LLM usage by model', () => {
  const llm = (by_model: object[], meta: object = {}) =>
    line({
      kind: 'llm_usage',
      description: 'LLM usage',
      unit: 'request',
      unit_price_cents: null,
      meta: { exact_cents: '1000', by_model, ...meta },
    });
  const large = { model: EVIL, requests: '1200', exact_cents: '750.25' };
  const others = { model: null, requests: '3', exact_cents: '249.75' };

  test('lists exact charges, largest first, and escapes names', () => {
    const small = { model: 'small-1', requests: '1', exact_cents: '0' };
    const source = sourceOf([llm([small, others, large], { service_month: '2026-04' })]);
    const html = documentHtml(makeDocument(source, SELLER));
    expect(html).toContain('LLM usage by model');
    expect(html).toContain('acme-web, late for April 2026');
    expect(html).not.toContain('<script');
    const cells = html.match(/<td class="n">1,200<\/td>.*|<td>(?:small-1|All other models).*/g);
    expect(
      cells?.map((row) =>
        row
          .replaceAll(/<[^>]*>/g, ' ')
          .trim()
          .split(/ {2,}/),
      ),
    ).toEqual([
      ['1,200', '75.0%', '7.5025'],
      ['small-1', '1', '0.0%', '0.00'],
      ['All other models', '3', '25.0%', '2.4975'],
    ]);
  });

  test('is left out if no line has several models', () => {
    const html = documentHtml(makeDocument(sourceOf([llm([large]), line()]), SELLER));
    expect(html).not.toContain('by model');
  });
});
