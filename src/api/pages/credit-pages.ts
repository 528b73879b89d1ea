import { planCredit, readLeftToCredit } from '../../db/invoices/credit.ts';
import { isCreditGiven } from '../../db/invoices/credit-rows.ts';
import { showInvoice, type InvoiceHeader } from '../../db/invoices/invoice-views.ts';
import { planVoid } from '../../db/invoices/void-invoice.ts';
import type { Queryable } from '../../db/pool.ts';
import { lineText, signedAmount } from '../../display/line-text.ts';
import { amountHint, formatMoney } from '../../domain/format.ts';
import type { Caller } from '../http/authenticate.ts';
import { HttpProblem, invalidRequest, type RequestError } from '../http/problems.ts';
import { postInvoiceCredit } from '../routes/credit-route.ts';
import { invoiceParams, requireInvoice } from '../routes/invoice-params.ts';
import { noteParams, requireNote } from '../routes/note-params.ts';
import { operatorAction } from './action-pages.ts';
import type { Form } from './page-definition.ts';
import type { Sentence } from './views/action-form.ts';
import { creditView, type CreditForm, type CreditedDocument } from './views/credit-form.ts';
import { readAmount } from './typed-amount.ts';
import { doneHref } from './views/done-note.ts';
import { settlingSentence } from './views/invoice-actions.ts';
import { invoiceHref } from './views/places.ts';

/** Credits an amount on a line of an invoice. */
export const creditInvoice = creditAction(
  {
    path: '/operator/invoices/:invoice_id/credit',
    params: invoiceParams,
  },
  async ({ invoice_id }, db, caller) => {
    const invoice = await requireInvoice(db, invoice_id, caller);
    return { id: invoice_id, number: invoice.number, lines: invoice.lines, invoice };
  },
);

/** Credits an amount on a line of an adjustment note. */
export const creditNote = creditAction(
  {
    path: '/operator/adjustment-notes/:adjustment_note_id/credit',
    params: noteParams,
  },
  async ({ adjustment_note_id: id }, db, caller) => {
    const { number, lines, adjusts_invoice_id } = await requireNote(db, id, caller);
    const invoice = await showInvoice(db, adjusts_invoice_id);
    if (invoice === null) throw new Error(`note ${number} adjusts no invoice`);
    return { id, number, lines, invoice };
  },
);

interface CreditDocument extends CreditedDocument {
  readonly id: string;
}

function creditAction<Params>(
  place: Pick<Parameters<typeof operatorAction<Params, CreditForm>>[0], 'path' | 'params'>,
  load: (params: Params, db: Queryable, caller: Caller) => Promise<CreditDocument>,
) {
  return operatorAction<Params, CreditForm>({
    ...place,
    read: toCreditForm,
    view: async ({ params, values, visitor, caller }, { db }) => {
      const document = await load(params, db, caller);
      const left = await readLeft(db, document, values);
      const refusal = whyNoCredit(document.invoice);
      return creditView({ document, left, form: values, visitor, refusal });
    },
    foresee: async ({ params, values, caller }, { db }) =>
      foresee(db, await load(params, db, caller), values),
    wasDone: async ({ params, values, caller }, { db }) => {
      const { invoice } = await load(params, db, caller);
      return isCreditGiven(db, invoice.tenant_id, values.requestId);
    },
    run: async ({ params, values, reason, visitor, caller, requestId }, deps) => {
      const { id, invoice } = await load(params, deps.db, caller);
      const body = {
        request_id: values.requestId,
        line_no: lineNoOf(values),
        amount_cents: readAmount(values.amount, invoice.currency, 'above 0').cents,
        reason,
      };
      const call = { params: { invoice_id: id }, query: {}, body, caller, requestId };
      await orChanged(() => postInvoiceCredit.handle(call, deps));
      return doneHref(invoiceHref(visitor, invoice.invoice_id), 'credited');
    },
    fields: {
      '/line_no': ['line_no', 'Line'],
      '/amount_cents': ['amount', 'Amount'],
    },
  });
}

/** Says what a used request id means here: the form's is derived from the notes of the invoice that it showed. */
async function orChanged<T>(give: () => Promise<T>): Promise<T> {
  try {
    return await give();
  } catch (error) {
    if (!(error instanceof HttpProblem) || error.problem !== 'request-conflict') throw error;
    const detail =
      'Another credit was given on this invoice in the meantime: check what will happen now';
    throw new HttpProblem('credit-conflict', detail);
  }
}

function toCreditForm(sent: Form): CreditForm {
  return {
    requestId: sent.text('request_id'),
    lineNo: sent.text('line_no').trim(),
    amount: sent.text('amount').trim(),
  };
}

function lineNoOf({ lineNo }: CreditForm): number {
  return /^[1-9]\d{0,8}$/.test(lineNo) ? Number(lineNo) : 0;
}

async function readLeft(db: Queryable, { id }: CreditDocument, form: CreditForm) {
  const lineNo = lineNoOf(form);
  if (lineNo === 0) return null;
  const left = await readLeftToCredit(db, { documentId: id, lineNo });
  return left.outcome === 'creditable' ? left.leftCents : null;
}

/** @throws HttpProblem `invalid-request` */
async function foresee(
  db: Queryable,
  { id, number, lines, invoice }: CreditDocument,
  form: CreditForm,
): Promise<readonly Sentence[]> {
  const { currency, balance_cents, released_at, tenant_id: tenantId } = invoice;
  const lineNo = lineNoOf(form);
  const refuse = (pointer: string, detail: string) => invalidRequest([{ pointer, detail }]);
  const amountCents = readAmount(form.amount, currency, 'above 0').cents;
  const mistakes: RequestError[] = [
    ...(lineNo === 0 ? [{ pointer: '/line_no', detail: 'choose one' }] : []),
    ...(amountCents === 0
      ? [{ pointer: '/amount_cents', detail: amountHint(form.amount, currency, 'above 0') }]
      : []),
  ];
  if (mistakes.length > 0) throw invalidRequest(mistakes);
  const left = await readLeftToCredit(db, { documentId: id, lineNo });
  if (left.outcome !== 'creditable') throw refuse('/line_no', left.reason);
  const planned = await planCredit(db, { documentId: id, lineNo, amountCents });
  if (planned.outcome !== 'possible') throw refuse('/amount_cents', planned.reason);
  const { note, leftCents } = planned;
  const line = lines.find(({ line_no }) => line_no === lineNo);
  const show = (cents: number) => formatMoney(cents, currency);
  const isFirst = (await planVoid(db, invoice.invoice_id)).outcome === 'possible';
  return [
    `An adjustment note of ${currency} ${signedAmount(note.totalCents, currency)} is issued: ` +
      `${show(amountCents)} less for line ${lineNo} of ${number}, ${line === undefined ? '' : lineText(line, currency).name}` +
      `${note.taxCents === 0 ? '' : `, and ${show(-note.taxCents)} less tax`}.`,
    leftCents > amountCents
      ? `${show(leftCents - amountCents)} of this line can be credited after that.`
      : 'Nothing of this line can be credited after that.',
    ...(balance_cents === null
      ? []
      : [
          `The balance of ${invoice.number} changes from ${show(balance_cents)} to ${show(balance_cents + note.totalCents)}.`,
        ]),
    released_at === null
      ? `${tenantId} sees the note, with your reason, once the month is released.`
      : `${tenantId} sees the note, with your reason, at once.`,
    ...(isFirst ? [settlingSentence(invoice)] : []),
  ];
}

function whyNoCredit({ number, status, superseded_by }: InvoiceHeader): string | null {
  if (superseded_by !== null) return `Invoice ${number} was replaced: credit its latest revision.`;
  return status === 'void' ? `Invoice ${number} is void, so there is nothing to credit.` : null;
}
