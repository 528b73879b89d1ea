import { z } from 'zod';
import { readCurrencies } from '../../db/invoices/item-ledger.ts';
import { listThresholds } from '../../db/usage/spend-thresholds.ts';
import type { Queryable } from '../../db/pool.ts';
import { amountHint, parseAmount } from '../../domain/format.ts';
import { MAX_THRESHOLDS } from '../../domain/spend-thresholds.ts';
import { HttpProblem, type RequestError } from '../http/problems.ts';
import { deleteUsageThreshold, putUsageThreshold } from '../routes/threshold-routes.ts';
import { accountPages, page, seeOther, type Form } from './page-definition.ts';
import type { FieldMistake } from './views/form-fields.ts';
import type { Visitor } from './views/layout.ts';
import { accountHref } from './views/places.ts';
import { thresholdsPage, type ThresholdForm } from './views/tenant-thresholds-html.ts';

/** A tenant's spend thresholds, set and removed by the tenant or operators through the API's own routes. */

const PATH = '/thresholds';
const EMPTY: ThresholdForm = { thresholdId: '', amount: '', percent: '' };

/** Lists the tenant's thresholds with the form for another one. */
export const tenantThresholds = accountPages({ path: PATH }, ({ visitor, tenantId }, { db }) =>
  show(db, { visitor, tenantId, form: EMPTY, mistakes: [] }),
);

/** Sets a threshold. */
export const addThreshold = accountPages(
  { method: 'post', path: PATH },
  async ({ form: sent, visitor, caller, requestId, tenantId }, deps) => {
    const form = toThresholdForm(sent);
    const again = (mistakes: readonly FieldMistake[]) =>
      show(deps.db, { visitor, tenantId, form, mistakes });
    const currency = await currencyOf(deps.db, tenantId);
    const call = {
      params: { threshold_id: form.thresholdId },
      query: { tenant_id: tenantId },
      body: toBody(form, currency),
      ...{ caller, requestId },
    };
    try {
      await putUsageThreshold.handle(call, deps);
    } catch (error) {
      if (!(error instanceof HttpProblem)) throw error;
      if (error.problem === 'data-conflict') return again([{ field: null, detail: error.message }]);
      if (error.problem !== 'invalid-request' || error.errors.length === 0) throw error;
      const hint = amountHint(form.amount, currency, 'above 0');
      return again(error.errors.map((each) => toMistake(each, hint)));
    }
    return seeOther(`${accountHref(visitor, tenantId)}${PATH}`);
  },
);

/** Removes a threshold. One that is gone already is not an error: the list shows it. */
export const removeThreshold = accountPages(
  {
    method: 'post',
    path: `${PATH}/:threshold_id/remove`,
    params: z.object({ threshold_id: z.string() }),
  },
  async ({ params, visitor, caller, requestId, tenantId }, deps) => {
    try {
      const query = { tenant_id: tenantId };
      const call = { params, query, body: undefined, caller, requestId };
      await deleteUsageThreshold.handle(call, deps);
    } catch (error) {
      if (!(error instanceof HttpProblem) || error.problem !== 'not-found') throw error;
    }
    return seeOther(`${accountHref(visitor, tenantId)}${PATH}`);
  },
);

interface Shown {
  readonly visitor: Visitor;
  readonly tenantId: string;
  readonly form: ThresholdForm;
  readonly mistakes: readonly FieldMistake[];
}

async function show(db: Queryable, { tenantId, ...view }: Shown) {
  const all = { after: null, limit: MAX_THRESHOLDS };
  const thresholds = await listThresholds(db, tenantId, all);
  const currency = await currencyOf(db, tenantId);
  const html = thresholdsPage({ ...view, tenantId, thresholds, currency });
  return page(html, view.mistakes.length === 0 ? 200 : 422);
}

async function currencyOf(db: Queryable, tenantId: string): Promise<string> {
  const currency = (await readCurrencies(db, [tenantId])).get(tenantId);
  if (currency === undefined) throw new Error(`tenant ${tenantId} has no currency`);
  return currency;
}

function toThresholdForm(sent: Form): ThresholdForm {
  return {
    thresholdId: sent.text('threshold_id').trim(),
    amount: sent.text('amount').trim(),
    percent: sent.text('percent').trim(),
  };
}

/** What can't be parsed becomes 0, which validation rejects. */
function toBody({ amount, percent }: ThresholdForm, currency: string) {
  const number = /^\d{1,9}$/.test(percent) ? Number(percent) : 0;
  return {
    ...(amount !== '' && { amount_cents: parseAmount(amount, currency) ?? 0 }),
    ...(percent !== '' && { percent_of_plan: number }),
  };
}

const FIELDS: Readonly<Record<string, string>> = {
  '/amount_cents': 'amount',
  '/percent_of_plan': 'percent',
};

/** Maps an error of the API's request to the form field that caused it. */
function toMistake({ pointer, parameter, detail }: RequestError, hint: string): FieldMistake {
  if (parameter === 'threshold_id') return { field: 'threshold_id', detail: `Name: ${detail}` };
  const field = FIELDS[pointer ?? ''] ?? null;
  if (field === 'amount' && !detail.includes('either')) {
    return { field, detail: `Amount: ${hint}` };
  }
  if (field === 'amount') return { field, detail: 'Enter either an amount or a percentage' };
  return field === 'percent' ? { field, detail: `Percentage: ${detail}` } : { field, detail };
}
