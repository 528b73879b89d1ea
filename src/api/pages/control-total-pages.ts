import { z } from 'zod';
import type { Queryable } from '../../db/pool.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { compareControlTotals, countCompared } from '../../db/usage/compare-control-totals.ts';
import { differentDays } from '../../db/usage/compare-days.ts';
import { toComparedRows } from '../../db/usage/gateway-totals.ts';
import { findDeployments } from '../../db/usage/usage-ledger.ts';
import type { Month } from '../../domain/period.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import { HttpProblem } from '../http/problems.ts';
import { month } from '../http/request-fields.ts';
import {
  pageOfCompared,
  postControlTotalAcceptance,
} from '../routes/control-total-comparison-routes.ts';
import { monthParams } from './month-pages.ts';
import { nextHref, operatorPage, page, pageQuery, seeOther } from './page-definition.ts';
import { acceptPage, comparisonPage } from './views/control-totals-html.ts';
import type { FieldMistake } from './views/form-fields.ts';

const PATH = '/operator/months/:month/control-totals';
const DEPLOYMENTS_A_PAGE = 50;

/** Compares the control totals of a month with the ledger. */
export const comparedTotals = operatorPage(
  { path: PATH, params: monthParams, query: z.object(pageQuery) },
  async ({ params, query, visitor, path }, { db }) => {
    const calendar = await loadCalendar(db);
    const counts = await countCompared(db, calendar.periodOf(params.month));
    const { entries, next_cursor } = await pageOfCompared(
      { limit: DEPLOYMENTS_A_PAGE, cursor: query.cursor },
      (asked) => compareControlTotals(db, calendar, params.month, {}, asked),
    );
    return page(
      comparisonPage({
        visitor,
        month: params.month,
        counts,
        rows: toComparedRows(entries),
        nextHref: nextHref(path, next_cursor),
      }),
    );
  },
);

const acceptParams = z.object({ month, deployment_id: externalId });

/** Shows the differences of a deployment, and asks why they are accepted. */
export const askToAcceptTotals = operatorPage(
  { path: `${PATH}/:deployment_id/accept`, params: acceptParams },
  async ({ params, visitor }, { db }) => {
    const compared = await compareOne(db, params.month, params.deployment_id);
    return page(
      acceptPage({ visitor, month: params.month, ...compared, reason: '', mistakes: [] }),
    );
  },
);

/** Accepts the differences that the form shows, through the API's own route. */
export const acceptTotals = operatorPage(
  { method: 'post', path: `${PATH}/:deployment_id/accept`, params: acceptParams },
  async ({ params, form, visitor, caller, requestId }, deps) => {
    const { month: asked, deployment_id: deploymentId } = params;
    const reason = form.text('reason');
    const body = { tenant_id: form.text('tenant_id'), days: parseDays(form.text('days')), reason };
    try {
      await postControlTotalAcceptance.handle(
        { params: { month: asked }, query: {}, body, caller, requestId },
        deps,
      );
    } catch (error) {
      if (!(error instanceof HttpProblem)) throw error;
      if (error.problem !== 'invalid-request' && error.problem !== 'data-conflict') throw error;
      const compared = await compareOne(deps.db, asked, deploymentId);
      const mistakes = toMistakes(error);
      return page(acceptPage({ visitor, month: asked, ...compared, reason, mistakes }), 422);
    }
    return seeOther(`/operator/months/${asked}/control-totals`);
  },
);

/** @throws HttpProblem `not-found` if there is no such deployment */
async function compareOne(db: Queryable, asked: Month, deploymentId: string) {
  const [deployment] = await findDeployments(db, [deploymentId]);
  if (deployment === undefined) {
    throw new HttpProblem('not-found', `there is no deployment ${deploymentId}`);
  }
  const { tenantId, currency } = deployment;
  const calendar = await loadCalendar(db);
  const filter = { tenantIds: [tenantId], deploymentId };
  const [compared] = await compareControlTotals(db, calendar, asked, filter);
  return { tenantId, deploymentId, currency, days: differentDays(compared?.days ?? []) };
}

/** Returns the days as sent; the route validates them. */
function parseDays(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function toMistakes(problem: HttpProblem): readonly FieldMistake[] {
  if (problem.problem === 'data-conflict') {
    return [
      {
        field: null,
        detail: 'The figures have changed since this page was loaded: review them again',
      },
    ];
  }
  return problem.errors.map(({ pointer, detail }) =>
    pointer === '/reason'
      ? { field: 'reason', detail: `Reason: ${detail}` }
      : { field: null, detail },
  );
}
