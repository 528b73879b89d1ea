import { randomUUID } from 'node:crypto';
import { listMonthInvoices } from '../../db/invoices/month-invoices.ts';
import { listParkedTenants } from '../../db/month-end/month-views.ts';
import { readReview, type Review } from '../../db/month-end/review-facts.ts';
import type { Queryable } from '../../db/pool.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import type { Month } from '../../domain/period.ts';
import { HttpProblem } from '../http/problems.ts';
import { postRelease } from '../routes/release-routes.ts';
import { monthParams } from './month-pages.ts';
import { operatorPage, page, seeOther, type Form } from './page-definition.ts';
import type { FieldMistake } from './views/form-fields.ts';
import { releasePage, seenOf, type ReleaseForm } from './views/release-html.ts';

const PATH = '/operator/months/:month/release';
/** Invoices on the page, the largest changes; a link leads to all of them. */
const SHOWN_INVOICES = 50;
const SHOWN_PARKED = 20;

/** Shows what waits for its release in a month, with the form that releases it. */
export const review = operatorPage(
  { path: PATH, params: monthParams },
  async ({ params: { month }, visitor }, { db }) => {
    const form: ReleaseForm = { requestId: randomUUID(), scope: 'all', tenantIds: [], reason: '' };
    return page(releasePage({ visitor, ...(await readMonth(db, month)), form, mistakes: [] }));
  },
);

/** Releases through the API's own route, with the same validation and record of the action. */
export const release = operatorPage(
  { method: 'post', path: PATH, params: monthParams },
  async ({ params: { month }, form: sent, visitor, caller, requestId }, deps) => {
    const form = toReleaseForm(sent);
    const shown = await readMonth(deps.db, month);
    const again = (mistakes: readonly FieldMistake[]) =>
      page(releasePage({ visitor, ...shown, form, mistakes }), 422);
    const missing = whatIsMissing(form, sent, shown.review);
    if (missing.length > 0) return again(missing);
    const body = {
      month,
      ...(form.scope === 'all' ? { all: true } : { tenant_ids: form.tenantIds }),
      reason: form.reason,
      request_id: form.requestId,
    };
    try {
      await postRelease.handle({ params: {}, query: {}, body, caller, requestId }, deps);
    } catch (error) {
      if (!(error instanceof HttpProblem) || error.problem !== 'invalid-request') throw error;
      return again(error.errors.map(toMistake));
    }
    return seeOther(`/operator/months/${month}/release`);
  },
);

async function readMonth(db: Queryable, month: Month) {
  const period = (await loadCalendar(db)).periodOf(month);
  return {
    month,
    review: await readReview(db, period),
    invoices: await listMonthInvoices(
      db,
      month,
      { release: 'waiting', order: 'change' },
      { after: null, limit: SHOWN_INVOICES },
    ),
    parked: await listParkedTenants(db, month, { after: null, limit: SHOWN_PARKED }),
  };
}

function toReleaseForm(sent: Form): ReleaseForm {
  return {
    requestId: sent.text('request_id'),
    scope: sent.text('scope') === 'selected' ? 'selected' : 'all',
    tenantIds: [...new Set(sent.all('tenant_id'))],
    reason: sent.text('reason'),
  };
}

function whatIsMissing(
  { scope, tenantIds }: ReleaseForm,
  sent: Form,
  review: Review,
): readonly FieldMistake[] {
  // Nothing waits any more if the form is sent twice: the release then changes nothing.
  const isOutdated = scope === 'all' && review.waiting > 0 && sent.text('seen') !== seenOf(review);
  const isNobody = scope === 'selected' && tenantIds.length === 0;
  const isConfirmed = sent.text('confirmed') === 'true';
  return [
    ...(isOutdated
      ? [
          {
            field: null,
            detail:
              'The invoices that wait have changed since this page was loaded: review them again',
          },
        ]
      : []),
    ...(isNobody
      ? [{ field: 'selected', detail: 'Select at least one invoice in the table, or release all' }]
      : []),
    ...(isConfirmed
      ? []
      : [{ field: 'confirmed', detail: 'Confirm that tenants will see these invoices' }]),
  ];
}

function toMistake({ pointer = '', detail }: HttpProblem['errors'][number]): FieldMistake {
  if (pointer === '/reason') return { field: 'reason', detail: `Reason: ${detail}` };
  return { field: null, detail };
}
