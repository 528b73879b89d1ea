import { describe, expect, test } from 'vitest';
import type { InvoiceSource } from '../../src/db/invoices/invoice-documents.ts';
import { documentPdf } from '../../src/documents/document-pdf.ts';
import { makeDocument } from '../../src/documents/render-document.ts';
import { foldDays } from '../../src/domain/daily-figures.ts';
import { formatAmount } from '../../src/domain/format.ts';
import { HAS_POPPLER, NEEDS_POPPLER, picturesOf, textOfPages } from './_poppler.ts';
import { AMOUNTS, CREDIT, SELLER, UNTAXED, line, manyLines, sourceOf } from './_source.ts';

const pdfOf = (source: InvoiceSource) => documentPdf(makeDocument(source, SELLER));
/** Removes the spaces that the layout adds. */
const plain = (text: string) => text.replaceAll(/\s+/g, '');

function expectNoInkInMargins(pdf: Buffer): void {
  for (const { width, height, pixels } of picturesOf(pdf)) {
    // At 40 dots per inch, the margins of 48 points are 26 dots wide.
    const inked = (x: number, y: number) => (pixels[y * width + x] ?? 255) < 200;
    for (let y = 0; y < height; y += 1) {
      for (const x of [5, 15, 24, width - 25, width - 15, width - 6]) {
        expect(inked(x, y), `ink in the margin at ${x}, ${y}`).toBe(false);
      }
    }
  }
}

test('the same invoice always renders to the same bytes', async () => {
  const source = sourceOf(manyLines(60));
  const first = await pdfOf(source);
  expect((await pdfOf(source)).equals(first)).toBe(true);
  expect((await pdfOf({ ...source, number: 'acme-000008' })).equals(first)).toBe(false);
});

test('a revision without charges renders', async () => {
  expect((await pdfOf(sourceOf([], { revision: 2 }))).length).toBeGreaterThan(1000);
});

test('is tagged and declares title and language', async () => {
  const pdf = (await pdfOf(sourceOf())).toString('latin1');
  expect(pdf).toContain('/Marked true');
  expect(pdf).toContain('/Lang (en-AU)');
  expect(pdf).toContain('/DisplayDocTitle true');
  expect(pdf).toContain('(Tax invoice acme-000007)');
});

// The gate sets REQUIRE_POPPLER, so a missing poppler fails there.
if (!HAS_POPPLER && process.env.REQUIRE_POPPLER) {
  test('PDFs can be read', () => expect.unreachable(NEEDS_POPPLER));
}

describe.skipIf(!HAS_POPPLER)(HAS_POPPLER ? 'the pages' : `the pages: ${NEEDS_POPPLER}`, () => {
  test('one line fits on one page, with every detail', async () => {
    const pages = textOfPages(await pdfOf(sourceOf()));
    expect(pages).toHaveLength(1);
    const text = plain(pages.join());
    for (const said of [
      ...['Tax invoice', 'acme-000007', '1 June 2026', '1 May 2026 to 31 May 2026'],
      ...['Arcadia Cloud Pty Ltd', 'ABN 51 824 753 556', 'Acme Holdings Pty Ltd'],
      ...['ABN 53 004 085 616', 'Plan base', '1 month', '10.00 per month'],
      ...['GST (10%) 1.00', 'Total AUD, including GST 11.00', 'Payable by 15 June 2026'],
      'Page 1 of 1',
    ]) {
      expect(text).toContain(plain(said));
    }
  });

  test('invoice items are under a heading of their own, signed, with what is not taxable', async () => {
    const text = plain(textOfPages(await pdfOf(sourceOf([line(), CREDIT, UNTAXED]))).join());
    for (const said of [
      'Other charges and credits',
      ...['Outage credit', '1 item', '−4.00', 'Part of a credit of AUD 100.00'],
      ...['Workshop abroad', 'Not taxable', 'Of which taxable 6.00'],
    ]) {
      expect(text).toContain(plain(said));
    }
  });

  test('models of LLM lines follow on pages of their own, counted with the others', async () => {
    const by_model = Array.from({ length: 120 }, (_, n) => ({
      ...{ model: `model-${n}`, requests: '1', exact_cents: `${1000 - n}.5` },
    }));
    const llm = line({ kind: 'llm_usage', description: 'LLM usage', meta: { by_model } });
    const pages = textOfPages(await pdfOf(sourceOf([llm])));
    expect(pages.length).toBeGreaterThan(3);
    expect(plain(pages[0] ?? '')).toContain(plain(`Page 1 of ${pages.length}`));
    expect(pages[0]).not.toContain('model-0');
    const text = pages.slice(1).join();
    expect(text).toContain('LLM usage by model');
    expect([...text.matchAll(/model-(\d+) /g)].map(([, n]) => Number(n))).toEqual(
      by_model.map((_, n) => n),
    );
  });

  test('the usage by day follows the models, on pages of its own', async () => {
    const by_model = ['a', 'b'].map((model) => ({ model, requests: '31', exact_cents: '31' }));
    const llm = line({ kind: 'llm_usage', description: 'LLM usage', meta: { by_model } });
    const hours = line({ kind: 'overage', resource_kind: 'droplet_hours' });
    const usage = Array.from({ length: 31 }, (_, day) =>
      ['a', 'b'].map((model) => ({
        ...{ day: day + 1, model, resourceKind: 'llm_usage', currency: 'AUD' },
        ...{ events: 1, amount: '1' },
      })),
    ).flat();
    const used = { day: 3, model: null, resourceKind: 'droplet_hours', currency: null };
    const month = '2026-05';
    const days = [
      { line_no: 1, month, figures: foldDays(usage, 31) },
      { line_no: 2, month, figures: foldDays([{ ...used, events: 1, amount: '7.5' }], 31) },
    ];
    const pages = textOfPages(await pdfOf(sourceOf([llm, hours], { days })));
    expect(pages.length).toBeGreaterThan(2);
    expect(plain(pages[0] ?? '')).toContain(plain(`Page 1 of ${pages.length}`));
    expect(pages[1]).toContain('LLM usage by model');
    const text = plain(pages.slice(2).join());
    expect(text).toContain(plain('Usage by day'));
    expect(text).toContain(plain('acme-web, Droplet hours overage'));
    expect(text).toMatch(/3May20267\.5100\.0%/);
    for (let day = 1; day <= 31; day += 1) expect(text).toContain(`${day}May202623.2%0.02`);
    expect(text).toContain('a:0.01');
  });

  test.each(AMOUNTS)('shows the decimals of $currency', async ({ currency, shown, total }) => {
    const given = line({ unit_price_cents: '1234567', amount_cents: 1_234_567 });
    const [text = ''] = textOfPages(await pdfOf(sourceOf([given], { currency })));
    expect(plain(text)).toContain(plain(`${shown} per month ${shown}`));
    expect(plain(text)).toContain(plain(`Total ${currency}, including GST ${total}`));
  });

  test('330 lines appear once each, in order, under headings on every page', async () => {
    const source = sourceOf(manyLines(330));
    const pages = textOfPages(await pdfOf(source));
    const rows = pages.flatMap((page) =>
      [
        ...page.matchAll(
          /Kind (\d+) overage +([\d.]+) ×\s1,000\stokens +0\.01 per\s1,000\stokens +([\d.,]+)/g,
        ),
      ].map(([, kind, qty, amount]) => [`kind_${kind}`, qty, amount]),
    );
    expect(rows).toEqual(
      manyLines(330).map((one) => [
        one.resource_kind,
        String(Number(one.qty) / 1000),
        formatAmount(one.amount_cents, 'AUD'),
      ]),
    );
    expect(pages.length).toBeGreaterThan(5);
    pages.forEach((page, index) => {
      expect(page).toContain(`Page ${index + 1} of ${pages.length}`);
      expect(page).toMatch(/Description +Quantity +Unit price +Amount/);
    });
    // A deployment that continues on the next page is named again.
    expect(pages.slice(1).filter((page) => page.includes('(continued)')).length).toBeGreaterThan(5);
    expect(plain(pages.at(-1) ?? '')).toContain(
      plain(`including GST ${formatAmount(source.total_cents, 'AUD')}`),
    );
  });

  test('very long words and descriptions stay within the margins', async () => {
    const long = 'x'.repeat(20_000);
    const words = Array.from({ length: 800 }, (_, index) => `word${index}`).join(' ');
    const source = sourceOf([line({ description: long }), line({ description: words })], {
      buyer: {
        legal_name: 'An Extremely Long Company Name '.repeat(6).trim(),
        abn: null,
        address: ['y'.repeat(200)],
        contact: null,
        email: null,
      },
    });
    const pdf = await pdfOf(source);
    const text = textOfPages(pdf).join('');
    expect(text.match(/x/g)?.length).toBeGreaterThanOrEqual(20_000);
    expect(text.match(/word\d+/g)).toEqual(words.split(' '));
    expectNoInkInMargins(pdf);
  });

  test('long numbers are not broken, and labels end before them', async () => {
    // 90 trillion, in a currency whose prices are long.
    const most = Number.MAX_SAFE_INTEGER;
    const given = line({ unit_price_cents: '123456789012.123456789012', amount_cents: most });
    const source = sourceOf([given], { currency: 'IDR', tax_cents: 0, total_cents: most });
    const text = textOfPages(await pdfOf({ ...source, subtotal_cents: most })).join();
    expect(text).toContain('1,234,567,890.12123456789012');
    expect(text).toMatch(/Subtotal, excluding GST {2,}90,071,992,547,409\.91/);
    expect(text).toMatch(/Total IDR, including GST {2,}90,071,992,547,409\.91/);
  });

  test('a long number of an invoice stays within the margins', async () => {
    const number = `${'n'.repeat(200)}-000001`;
    const source = sourceOf(manyLines(60), {
      ...{ number, status: 'superseded', superseded_by_number: `${'s'.repeat(200)}-000002` },
    });
    expectNoInkInMargins(await pdfOf(source));
  });

  test('an invoice without tax shows no tax line', async () => {
    const source = sourceOf([line({ amount_cents: 4, unit_price_cents: '4' })]);
    expect(source.tax_cents).toBe(0);
    const text = plain(textOfPages(await pdfOf(source)).join());
    expect(text).toContain(plain('GST (10%) 0.00'));
    expect(text).toContain(plain('including GST 0.04'));
  });

  test('renders names in other scripts', async () => {
    const names = ['Общество «Ромашка»', 'Ελληνική Εταιρεία', 'Žluťoučký kůň', 'Łódź Åß ñ', 'Հայ'];
    const text = textOfPages(
      await pdfOf(sourceOf(names.map((description) => line({ description })))),
    );
    for (const name of names) expect(text.join()).toContain(name);
  });

  test('renders Chinese, Japanese and Korean names within Latin text', async () => {
    const names = ['東京商事 (Tokyo)', '北京市 Łódź 商务', '서울 주식회사', 'カタカナ & ひらがな'];
    const source = sourceOf(
      names.map((description) => line({ description })),
      { buyer: { ...sourceOf().buyer!, legal_name: '株式会社東京商事' } },
    );
    const pdf = await pdfOf(source);
    const text = textOfPages(pdf).join();
    for (const name of ['株式会社東京商事', ...names]) expect(plain(text)).toContain(plain(name));
    expect(text).not.toContain('□');
    expect((await pdfOf(source)).equals(pdf)).toBe(true);
    // Text that can be extracted is not necessarily visible.
    const inkOf = async (description: string) => {
      const pages = picturesOf(await pdfOf(sourceOf([line({ description })])));
      return pages.flatMap(({ pixels }) => [...pixels]).filter((grey) => grey < 200).length;
    };
    expect(await inkOf('東京商事'.repeat(4))).toBeGreaterThan((await inkOf('.')) + 100);
  });

  test('draws a box for a character that no font has', async () => {
    const text = textOfPages(await pdfOf(sourceOf([line({ description: '𠮷野家' })])));
    expect(plain(text.join())).toContain('□野家');
  });

  test('shows the status on every page', async () => {
    const source = sourceOf(manyLines(60), {
      status: 'superseded',
      superseded_by_number: 'acme-000008',
    });
    for (const page of textOfPages(await pdfOf(source))) {
      expect(page).toContain('Superseded by acme-000008');
    }
  });

  test('stamps invoices that must not be paid on every page', async () => {
    /** Counts the pixels of each page that have the stamp's grey. */
    const tinted = async (status: InvoiceSource['status']) =>
      picturesOf(await pdfOf(sourceOf(manyLines(60), { status }))).map(
        ({ pixels }) => pixels.filter((grey) => grey >= 236 && grey <= 243).length,
      );
    const plainPages = await tinted('issued');
    const growth = async (status: InvoiceSource['status']) =>
      (await tinted(status)).map((count, page) => count - plainPages[page]!);
    for (const status of ['superseded', 'void'] as const) {
      expect(Math.min(...(await growth(status))), status).toBeGreaterThan(1000);
    }
  });
});
