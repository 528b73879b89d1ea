import type { Line } from './line-rules.ts';
import { addNote, leftOfLine, numberOf } from './note-rules.ts';
import { monthKey, type Invoice, type Model, type Note } from './model.ts';
import { chainOf, isSettled, standing } from './standing-rules.ts';
import { treatmentOf } from './tax-rules.ts';

/** What operators do to an issued invoice by hand. docs/spec.md#settled. */

export type PaymentAnswer = 'recorded' | 'duplicate' | 'conflict' | 'refused';

/** Records a payment, or a reversal, which is negative. One that names a superseded invoice counts for the live one. */
export function pay(
  model: Model,
  payment: { readonly id: string; readonly invoice: Invoice; readonly cents: number },
): PaymentAnswer {
  const known = model.payments.find(({ id }) => id === payment.id);
  if (known) {
    const isSame = known.invoice === payment.invoice && known.cents === payment.cents;
    return isSame ? 'duplicate' : 'conflict';
  }
  const { tenant, month } = payment.invoice;
  if (standing(model, tenant, month)?.status === 'void') return 'refused';
  model.payments.push(payment);
  return 'recorded';
}

export type VoidAnswer = 'changed' | 'unchanged' | 'refused';

export function voidInvoice(model: Model, invoice: Invoice): VoidAnswer {
  if (invoice.status === 'void') return 'unchanged';
  if (invoice.supersededBy !== null || isSettled(model, invoice)) return 'refused';
  invoice.status = 'void';
  return 'changed';
}

/** Credits an amount on the n-th line of an invoice or of a rerun's note; null: refused. */
export function credit(
  model: Model,
  document: Invoice | Note,
  {
    id,
    lineNo,
    cents,
    requestId,
  }: {
    readonly id: string;
    readonly lineNo: number;
    readonly cents: number;
    readonly requestId: string;
  },
): Note | null {
  const line = document.lines[lineNo - 1];
  const invoice = document.kind === 'invoice' ? document : document.adjusts;
  if (line === undefined || line.kind === 'tax' || line.kind === 'credit') return null;
  if (invoice.supersededBy !== null || invoice.status === 'void') return null;
  if (cents > leftOfLine(model, document, line)) return null;
  // Another treatment would change the tax of everything else too: a rerun has to come first.
  const { treatment } = chainOf(model, invoice).at(-1) ?? invoice;
  if (treatment !== treatmentOf(model, invoice.tenant, invoice.month)) return null;
  const { deployment, subscription, resourceKind, isTaxable } = line;
  const given: Line = {
    ...{ deployment, subscription, resourceKind, isTaxable },
    item: null,
    kind: 'credit',
    description: `Credit: ${line.description}`,
    qty: '1',
    unit: 'credit',
    unitPriceCents: null,
    amountCents: -cents,
    meta: {
      ...{
        credited_number: numberOf(document),
        credited_line_no: lineNo,
        credited_kind: line.kind,
      },
      ...namesOf(line),
    },
  };
  return addNote(model, invoice, { id, origin: 'credit', draft: null, requestId }, [given]);
}

/** What a line's name consists of. */
function namesOf({ meta }: Line): Line['meta'] {
  const { plan_version_id, addon_code, service_month } = meta;
  return {
    ...(plan_version_id !== undefined && { plan_version_id }),
    ...(addon_code !== undefined && { addon_code }),
    ...(service_month !== undefined && { service_month }),
  };
}

/** Shows a tenant what is issued for a month; later documents of it are visible at once. */
export function release(model: Model, tenant: string, month: number): 'released' | 'unchanged' {
  const key = monthKey(tenant, month);
  if (model.released.has(key)) return 'unchanged';
  model.released.add(key);
  return 'released';
}
