import { describe, expect, test } from 'vitest';
import type { TenantPreview } from '../../src/audit/preview.ts';
import { actionPage, seenOf, type ActionView } from '../../src/api/pages/views/action-form.ts';
import { doneHref, doneNote } from '../../src/api/pages/views/done-note.ts';
import { itemEffects, type ItemForm } from '../../src/api/pages/views/item-form.ts';
import { reRunEffects } from '../../src/api/pages/views/re-run-effects.ts';
import { markup } from '../../src/lib/markup.ts';
import { OPERATOR, standing } from './_views.ts';

const VIEW: ActionView = {
  title: 'Void acme-000001',
  trail: [],
  cancelHref: '/operator/months',
  intro: markup`<p>intro</p>`,
  refusal: null,
  reasonHint: 'why',
  confirmation: 'I am sure',
  button: 'Void',
};
const page = (changes: Partial<Parameters<typeof actionPage>[0]> = {}) =>
  actionPage({
    visitor: OPERATOR,
    view: VIEW,
    path: '/operator/invoices/x/void',
    reason: 'typed',
    consequences: ['It is gone.'],
    mistakes: [],
    isChanged: false,
    ...changes,
  });

describe('the page of an action', () => {
  test('shows what will happen before the confirmation, which is never ticked', () => {
    const html = page();
    const places = ['>typed</textarea>', 'It is gone.', 'name="confirmed"', '>Void</button>'];
    const found = places.map((text) => html.indexOf(text));
    expect(found).toEqual([...found].sort((a, b) => a - b));
    expect(found[0]).toBeGreaterThan(0);
    expect(html).not.toContain(' checked');
    expect(html).toContain(`name="seen" value="${seenOf(['It is gone.'])}"`);
  });

  test('asks for the fields first if nothing can be foreseen yet', () => {
    const html = page({ consequences: [], isChanged: true });
    expect(html).toContain('>Continue</button>');
    expect(html).not.toContain('confirmed');
    expect(html).not.toContain('Nothing has been done yet');
  });

  test('says that nothing has been done if something else would happen than was shown', () => {
    expect(page({ isChanged: true })).toContain('Nothing has been done yet');
    expect(page()).not.toContain('Nothing has been done yet');
  });

  test('has no form if the action can’t be done', () => {
    const html = page({ view: { ...VIEW, refusal: 'It is paid.' } });
    expect(html).toContain('It is paid.');
    expect(html).toContain('<p>intro</p>');
    expect(html).not.toContain('class="sheet"');
    expect(html).not.toContain('It is gone.');
  });

  test('sends hidden values back, also several of one name', () => {
    const html = page({ view: { ...VIEW, hidden: { tenant_id: ['a', 'b"'], request_id: 'r' } } });
    expect(html).toContain('name="tenant_id" value="a"');
    expect(html).toContain('name="tenant_id" value="b&quot;"');
    expect(html).toContain('name="request_id" value="r"');
  });

  test('tells sentences apart by their text and their links', () => {
    const seen = [['a', 'b'], ['a b'], [markup`<a href="/x">a</a>`], [markup`<a href="/y">a</a>`]];
    expect(new Set([...seen.map(seenOf), seenOf([])]).size).toBe(5);
    expect(seenOf(['a', 'b'])).toBe(seenOf(['a', 'b']));
  });
});

test('what was done is a code in the path, whatever query it has', () => {
  expect(doneHref('/operator/items?tenant_id=acme&done=paid', 'item-added')).toBe(
    '/operator/items?tenant_id=acme&done=item-added',
  );
  expect(doneNote(undefined).text).toBe('');
  expect(doneNote('paid').text).toContain('The payment is recorded.');
});

const LAST =
  'Every run also checks all other due tenants of the month: those without an invoice get one.';
const ISSUED = standing({
  ...{ invoice_id: 'i-1', number: 'acme-000001', status: 'issued', total_cents: 5500 },
  is_settled: false,
});
/** What a rerun of acme would issue now: a total of 66.00. */
const preview = (changes: object = {}, of: object | null = {}) =>
  new Map([
    [
      'acme',
      {
        ...{ tenantId: 'acme', currency: 'AUD', last: null },
        preview: { parked: null, nothingToBill: false, totalCents: 6600, lines: [], ...changes },
        standing:
          of === null
            ? null
            : { isSettled: false, totalCents: 5500, changes: [{}], note: null, ...of },
      } as unknown as TenantPreview,
    ],
  ]);
const effects = (
  tenants = [ISSUED],
  previews: ReturnType<typeof preview> | null = preview(),
  options = {},
) =>
  reRunEffects({
    ...{ month: '2026-05', tenants, previews, onlyIfChanged: false, acceptBounds: false },
    ...options,
  });

describe('a rerun', () => {
  const PARKED = { parked: { type: 'out_of_bounds', reason: 'too much' } };
  const SAME = preview({ totalCents: 5500 }, { changes: [] });
  const NOTE = { lines: [{}], totalCents: -330 };
  const VOID = standing({ ...ISSUED, status: 'void' });
  test.each([
    [
      'a revision',
      effects(),
      'acme-000001 of acme is replaced by a revision: AUD 66.00 instead of AUD 55.00 (+11.00).',
    ],
    [
      'the same again',
      effects([ISSUED], SAME),
      'acme-000001 of acme is replaced by a revision: the same lines and total, AUD 55.00.',
    ],
    [
      'nothing, if only changes count',
      effects([ISSUED], SAME, { onlyIfChanged: true }),
      'acme-000001 of acme stays, because nothing would change.',
    ],
    [
      'an adjustment note',
      effects([ISSUED], preview({}, { isSettled: true, note: NOTE })),
      'acme-000001 of acme is settled, so it stays: an adjustment note of AUD −3.30 is issued.',
    ],
    [
      'no note without a difference',
      effects([ISSUED], preview({}, { isSettled: true, note: { lines: [], totalCents: 0 } })),
      'acme-000001 of acme is settled and nothing differs, so it stays.',
    ],
    [
      'a revision of a void invoice',
      effects([VOID]),
      'The void acme-000001 of acme is replaced by a revision of AUD 66.00.',
    ],
    [
      'a first invoice',
      effects([standing()], preview({}, null)),
      'acme gets an invoice of AUD 66.00.',
    ],
    [
      'nothing to bill',
      effects([standing()], preview({ nothingToBill: true }, null)),
      'acme has nothing to bill, so no invoice is issued.',
    ],
    [
      'parking',
      effects([standing()], preview(PARKED, null)),
      'acme stays without a new document, parked as out_of_bounds: too much.',
    ],
    [
      'accepting',
      effects([standing()], preview({}, null), { acceptBounds: true }),
      'acme gets an invoice of AUD 66.00, whatever the safety bounds say.',
    ],
  ])('announces %s', (_what, sentences, sentence) => {
    expect(sentences).toEqual([sentence, LAST]);
  });

  test('names the tenants that will be refused', () => {
    const idle = standing({ tenant_id: 'idle', is_due: false });
    expect(effects([ISSUED, idle, { ...idle, tenant_id: 'gone' }])[0]).toBe(
      '2 of 3 will be refused, because nothing is due for May 2026: idle, gone.',
    );
  });

  test('counts what happens to many', () => {
    const settled = { ...ISSUED, is_settled: true };
    const tenants = [ISSUED, ISSUED, settled, VOID, standing()];
    const counted = effects(tenants, null, { acceptBounds: true });
    expect(counted).toEqual([
      '2 of 5 get revisions, which replace the live invoices.',
      '1 of 5 is settled by a payment or an adjustment note: the invoice stays, and an adjustment note is issued for the difference, if there is one.',
      '1 of 5 is void: a revision replaces the void invoice.',
      '1 of 5 has no invoice yet: one is issued if there is something to bill.',
      'Totals beyond the safety bounds are issued all the same.',
      LAST,
    ]);
  });
});

describe('a charge or credit', () => {
  const form: ItemForm = {
    ...{ itemId: 'i', tenantId: 'acme', month: '2026-05', description: 'Workshop', amount: '5' },
    isTaxable: true,
  };
  const planned = (changes: Partial<Parameters<typeof itemEffects>[0]> = {}) =>
    itemEffects({
      ...{ form, amountCents: 500, currency: 'AUD', name: 'Acme' },
      ...{ standing: standing(), waiting: [] },
      ...changes,
    });

  test('announces which invoice takes it', () => {
    expect(planned()).toEqual([
      'Acme is charged AUD 5.00 for “Workshop”, tax is added.',
      'It waits for the next invoice of 2026-05 or a later month.',
    ]);
    expect(planned({ standing: ISSUED })[2]).toContain('a rerun of that month takes it');
    expect(planned({ standing: { ...ISSUED, is_settled: true } })[2]).toBe(
      'May 2026 is invoiced already (acme-000001, settled), so the invoice of a later month takes it.',
    );
  });

  test('names what waits already, so that two operators don’t add it twice', () => {
    const waiting = [{ description: 'Workshop', rest_cents: 500, currency: 'AUD' }];
    expect(planned({ waiting }).at(-1)).toBe('Acme has others that wait: “Workshop”, AUD 5.00.');
  });
});
