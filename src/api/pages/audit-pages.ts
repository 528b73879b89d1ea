import { z } from 'zod';
import {
  ACTION_OUTCOMES,
  listOperatorActions,
  showOperatorAction,
} from '../../db/month-end/operator-actions.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { parseDate } from '../../domain/period.ts';
import { text, visibleId } from '../../ingestion/usage-fields.ts';
import { HttpProblem } from '../http/problems.ts';
import { date } from '../http/request-fields.ts';
import { pageOfActions } from '../routes/operator-action-routes.ts';
import { actionPage } from './views/audit-action-html.ts';
import { AUDIT_PATH, auditPage } from './views/audit-html.ts';
import { nextHref, operatorPage, page, pageQuery } from './page-definition.ts';

const ACTIONS_A_PAGE = 50;

/** Lists the recorded actions of operators. */
export const auditLog = operatorPage(
  {
    path: AUDIT_PATH,
    query: z.object({
      ...pageQuery,
      actor: text(200).optional(),
      action: text(100).optional(),
      tenant_id: visibleId(200).optional(),
      outcome: z.enum(ACTION_OUTCOMES).optional(),
      since: date.optional(),
    }),
  },
  async ({ query, visitor, path }, { db }) => {
    const { actor, action, tenant_id: tenantId, outcome, since, cursor } = query;
    const start =
      since === undefined ? undefined : (await loadCalendar(db)).startOfDay(parseDate(since));
    const { entries, next_cursor } = await pageOfActions(
      { limit: ACTIONS_A_PAGE, cursor },
      (asked) => listOperatorActions(db, { actor, action, tenantId, outcome, since: start }, asked),
    );
    return page(
      auditPage({
        visitor,
        actions: entries,
        filter: {
          actor: actor ?? '',
          action: action ?? '',
          tenantId: tenantId ?? '',
          outcome: outcome ?? '',
          since: since ?? '',
        },
        nextHref: nextHref(path, next_cursor),
      }),
    );
  },
);

const actionParams = z.object({
  action_id: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, { error: 'expected a number' })
    .transform(Number),
});

/** Shows a recorded action with its input. */
export const recordedAction = operatorPage(
  { path: `${AUDIT_PATH}/:action_id`, params: actionParams },
  async ({ params: { action_id: id }, visitor }, { db }) => {
    const action = await showOperatorAction(db, id);
    if (action === null) throw new HttpProblem('not-found', `there is no recorded action ${id}`);
    return page(actionPage({ visitor, action }));
  },
);
