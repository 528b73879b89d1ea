import { z } from 'zod';
import {
  countQuarantined,
  listQuarantined,
  showQuarantined,
  type QuarantinedEvent,
} from '../../db/usage/quarantine-views.ts';
import { QUARANTINE_REASONS, QUARANTINE_STATES } from '../../domain/quarantine.ts';
import type { Dismissal } from '../../ingestion/quarantine/dismiss-quarantined.ts';
import type { Release } from '../../ingestion/quarantine/release-quarantined.ts';
import { visibleId } from '../../ingestion/usage-fields.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { HttpProblem } from '../http/problems.ts';
import {
  dismissQuarantinedUsage,
  pageOfQuarantined,
  quarantineParams,
  releaseQuarantinedUsage,
} from '../routes/quarantine-routes.ts';
import type { FieldMistake } from './views/form-fields.ts';
import type { Visitor } from './views/layout.ts';
import {
  EMPTY_FORM,
  quarantinePage,
  quarantinedEventPage,
  type DecisionForm,
} from './views/quarantine-html.ts';
import { dismissedPage, releasedPage } from './views/quarantine-results-html.ts';
import {
  nextHref,
  operatorPage,
  page,
  pageQuery,
  type Form,
  type PageReply,
} from './page-definition.ts';

const PATH = '/operator/quarantine';
const EVENTS_A_PAGE = 50;

const filterQuery = z.object({
  ...pageQuery,
  state: z.enum(QUARANTINE_STATES).default('held'),
  held_for: z.enum(QUARANTINE_REASONS).optional(),
  tenant_id: visibleId(200).optional(),
});

interface Listing {
  readonly visitor: Visitor;
  readonly path: string;
  readonly query: z.output<typeof filterQuery>;
  readonly form: DecisionForm;
  readonly mistakes: readonly FieldMistake[];
}

async function listPage(listing: Listing, { db }: ApiDeps): Promise<string> {
  const { visitor, path, query, form, mistakes } = listing;
  const { state, held_for: heldFor, tenant_id: tenantId, cursor } = query;
  const [{ entries, next_cursor }, counts] = await Promise.all([
    pageOfQuarantined({ limit: EVENTS_A_PAGE, cursor }, (asked) =>
      listQuarantined(db, { state, heldFor, tenantId }, asked),
    ),
    countQuarantined(db, { heldFor, tenantId }),
  ]);
  return quarantinePage({
    visitor,
    events: entries,
    counts,
    filter: { state, heldFor: heldFor ?? null, tenantId: tenantId ?? '' },
    nextHref: nextHref(path, next_cursor),
    form,
    mistakes,
  });
}

/** Lists quarantined usage, with the forms that release or dismiss all that the filter shows. */
export const quarantine = operatorPage(
  { path: PATH, query: filterQuery },
  async ({ query, visitor, path }, deps) =>
    page(await listPage({ visitor, path, query, form: EMPTY_FORM, mistakes: [] }, deps)),
);

/** Shows a quarantined event, with the forms that release or dismiss it. */
export const quarantinedEvent = operatorPage(
  { path: `${PATH}/:quarantine_id`, params: quarantineParams },
  async ({ params, visitor }, { db }) => {
    const event = await requireEvent(db, params.quarantine_id);
    return page(quarantinedEventPage({ visitor, event, form: EMPTY_FORM, mistakes: [] }));
  },
);

async function requireEvent(db: ApiDeps['db'], id: number): Promise<QuarantinedEvent> {
  const event = await showQuarantined(db, id);
  if (event === null) throw new HttpProblem('not-found', `there is no quarantined event ${id}`);
  return event;
}

/** Releases events through the API's own route, with the same validation and record of the action. */
export const releaseEvents = operatorPage(
  { method: 'post', path: `${PATH}/release` },
  async ({ form: sent, visitor, caller, requestId }, deps) => {
    const form = toDecisionForm(sent);
    const assign = {
      ...(form.asTenant !== '' && { tenant_id: form.asTenant }),
      ...(form.asDeployment !== '' && { deployment_id: form.asDeployment }),
      ...(form.asCurrency !== '' && { currency: form.asCurrency }),
    };
    const isAssigned = Object.keys(assign).length > 0;
    const body = { ...toBody(sent, form), ...(isAssigned && { assign }) };
    const call = { params: {}, query: {}, body, caller, requestId };
    return answered(
      () => releaseQuarantinedUsage.handle(call, deps),
      ({ body: result }) => page(releasedPage(visitor, result as Release)),
      (mistakes) => showAgain(sent, { visitor, form, mistakes }, deps),
    );
  },
);

/** Dismisses events through the API's own route. */
export const dismissEvents = operatorPage(
  { method: 'post', path: `${PATH}/dismiss` },
  async ({ form: sent, visitor, caller, requestId }, deps) => {
    const form = { ...toDecisionForm(sent), isDismissal: true };
    const call = { params: {}, query: {}, body: toBody(sent, form), caller, requestId };
    return answered(
      () => dismissQuarantinedUsage.handle(call, deps),
      ({ body: result }) => page(dismissedPage(visitor, result as Dismissal)),
      (found) => {
        const mistakes = found.map((each) =>
          each.field === 'reason' ? { ...each, field: 'dismiss_reason' } : each,
        );
        return showAgain(sent, { visitor, form, mistakes }, deps);
      },
    );
  },
);

async function answered(
  run: () => Promise<PageReply>,
  done: (reply: PageReply) => PageReply,
  again: (mistakes: readonly FieldMistake[]) => Promise<PageReply>,
): Promise<PageReply> {
  try {
    return done(await run());
  } catch (error) {
    if (!(error instanceof HttpProblem) || error.problem !== 'invalid-request') throw error;
    return again(error.errors.map(toMistake));
  }
}

function toDecisionForm(sent: Form): DecisionForm {
  return {
    reason: sent.text('reason'),
    asTenant: sent.text('as_tenant').trim(),
    asDeployment: sent.text('as_deployment').trim(),
    asCurrency: sent.text('as_currency').trim(),
    isDismissal: false,
  };
}

/** Returns the body of the API's call. An id that isn't a number is sent as it is, for the route to refuse. */
function toBody(sent: Form, { reason }: DecisionForm): object {
  const [id, heldFor, tenantId] = ['quarantine_id', 'held_for', 'tenant_id'].map((name) =>
    sent.text(name).trim(),
  );
  return {
    reason,
    ...(id && { quarantine_ids: [/^\d{1,15}$/.test(id) ? Number(id) : id] }),
    ...(heldFor && { held_for: heldFor }),
    ...(tenantId && { tenant_id: tenantId }),
  };
}

/** Shows the page that a form was on, with its mistakes. */
async function showAgain(
  sent: Form,
  view: Pick<Listing, 'visitor' | 'form' | 'mistakes'>,
  deps: ApiDeps,
): Promise<PageReply> {
  const { success, data: params } = quarantineParams.safeParse({
    quarantine_id: sent.text('quarantine_id').trim(),
  });
  if (success) {
    const event = await requireEvent(deps.db, params.quarantine_id);
    return page(quarantinedEventPage({ ...view, event }), 422);
  }
  const known = QUARANTINE_REASONS.find((reason) => reason === sent.text('held_for'));
  const tenant = visibleId(200).safeParse(sent.text('tenant_id').trim());
  const query = {
    state: 'held' as const,
    held_for: known,
    tenant_id: tenant.data,
  };
  return page(await listPage({ ...view, path: PATH, query }, deps), 422);
}

const FIELDS: Readonly<Record<string, readonly [field: string, label: string]>> = {
  '/reason': ['reason', 'Reason'],
  '/assign/tenant_id': ['as_tenant', 'Tenant'],
  '/assign/deployment_id': ['as_deployment', 'Deployment'],
  '/assign/currency': ['as_currency', 'Currency'],
};

function toMistake({ pointer = '', detail }: HttpProblem['errors'][number]): FieldMistake {
  const [field, label] = FIELDS[pointer] ?? [];
  return field === undefined ? { field: null, detail } : { field, detail: `${label}: ${detail}` };
}
