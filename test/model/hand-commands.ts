import fc from 'fast-check';
import {
  command,
  letters,
  month,
  nth,
  nthLast,
  tenantSets,
  tenantsOf,
  type LedgerCommand,
} from './command.ts';
import {
  AMOUNTS,
  SHARES,
  assignTreatment,
  creditLine,
  payInvoice,
  releaseMonth,
  sendItem,
  sendPayment,
  setReview,
  voidOne,
  withdrawOne,
} from './hand-actions.ts';
import { newId } from './model.ts';
import { TREATMENTS, type TreatmentCode } from './tax-rules.ts';

/** What operators and the finance team do besides closing months. */

const payOne = fc.tuple(nth, fc.constantFrom(...AMOUNTS)).map(([n, amount]) =>
  command({
    text: `pay the ${n}. last invoice ${amount}`,
    check: ({ invoices }) => invoices.length > 0,
    run: (model, real) => payInvoice(real, model, nthLast(model.invoices, n), amount),
  }),
);

const payAgain = fc.tuple(nth, fc.boolean()).map(([n, isOther]) =>
  command({
    text: `send the ${n}. last payment again${isOther ? ' with another amount' : ''}`,
    check: ({ payments }) => payments.length > 0,
    run(model, real) {
      const payment = nthLast(model.payments, n);
      const cents = isOther ? payment.cents + 1 : payment.cents;
      return sendPayment(real, model, { ...payment, cents: cents === 0 ? 2 : cents });
    },
  }),
);

const voidAny = nth.map((n) =>
  command({
    text: `void the ${n}. last invoice`,
    check: ({ invoices }) => invoices.length > 0,
    run: (model, real) => voidOne(real, model, nthLast(model.invoices, n)),
  }),
);

const credit = fc
  .tuple(nth, fc.boolean(), fc.nat({ max: 5 }), fc.constantFrom(...SHARES))
  .map(([n, isNote, line, share]) =>
    command({
      text: `credit ${share} of line ${line} of the ${n}. last ${isNote ? 'note' : 'invoice'}`,
      check: ({ invoices, notes }) => (isNote ? notes : invoices).length > 0,
      run(model, real) {
        const document = isNote ? nthLast(model.notes, n) : nthLast(model.invoices, n);
        return creditLine(real, model, document, { n: line, share });
      },
    }),
  );

const itemTerms = fc.record({
  tenants: fc.constantFrom([0], [0], [1], [2]),
  month,
  cents: fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: -3000, max: -1 })),
  isTaxable: fc.boolean(),
});

const addItem = itemTerms.map(({ tenants, month: index, cents, isTaxable }) =>
  command({
    text: `item of ${cents} cents${isTaxable ? '' : ', not taxable,'} for ${letters(tenants)} in month ${index}`,
    run(model, real) {
      const id = newId(model);
      const [tenant = ''] = tenantsOf(model, tenants);
      const description = `Item ${id}`;
      return sendItem(real, model, { id, tenant, month: index, description, cents, isTaxable });
    },
  }),
);

const sendItemAgain = fc.tuple(nth, fc.boolean()).map(([n, isOther]) =>
  command({
    text: `send the ${n}. last item again${isOther ? ' with another amount' : ''}`,
    check: ({ items }) => items.length > 0,
    run(model, real) {
      const item = nthLast(model.items, n);
      const cents = item.cents === -1 ? 5 : item.cents + 1;
      return sendItem(real, model, isOther ? { ...item, cents } : item);
    },
  }),
);

const withdraw = nth.map((n) =>
  command({
    text: `withdraw the ${n}. last item`,
    check: ({ items }) => items.length > 0,
    run: (model, real) => withdrawOne(real, model, nthLast(model.items, n)),
  }),
);

const releaseSome = fc.tuple(month, tenantSets).map(([index, tenants]) =>
  command({
    text: `release month ${index} of ${letters(tenants)}`,
    run: (model, real) =>
      releaseMonth(real, model, { month: index, tenants: tenantsOf(model, tenants) }),
  }),
);

const review = fc.boolean().map((isReviewed) =>
  command({
    text: isReviewed ? 'invoices are reviewed from now on' : 'invoices are released at once',
    check: (model) => model.isReviewed !== isReviewed,
    run: (model, real) => setReview(real, model, isReviewed),
  }),
);

const codes = Object.keys(TREATMENTS) as readonly TreatmentCode[];
const tax = fc.tuple(month, tenantSets, fc.constantFrom(...codes)).map(([from, tenants, code]) =>
  command({
    text: `${letters(tenants)} has the tax treatment ${code} from month ${from} on`,
    async run(model, real) {
      for (const tenant of tenantsOf(model, tenants)) {
        await assignTreatment(real, model, { tenant, from, code });
      }
    },
  }),
);

/** Each as often as it is there. */
export const handCommands: readonly fc.Arbitrary<LedgerCommand>[] = [
  ...[payOne, payOne, payAgain, voidAny, credit, credit],
  ...[addItem, addItem, sendItemAgain, withdraw, releaseSome, review, tax],
];
