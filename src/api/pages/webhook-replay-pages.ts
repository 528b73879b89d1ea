import { z } from 'zod';
import { showWebhookEvent } from '../../db/webhooks/delivery-views.ts';
import { listWebhookEndpoints } from '../../db/webhooks/webhook-endpoints.ts';
import { countReplay, type ReplaySelection } from '../../db/webhooks/webhook-replays.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { parseDate } from '../../domain/period.ts';
import type { ApiDeps } from '../http/api-deps.ts';
import { HttpProblem, invalidRequest } from '../http/problems.ts';
import { check, date } from '../http/request-fields.ts';
import { postWebhookReplay } from '../routes/webhook-delivery-routes.ts';
import { doneHref } from './views/done-note.ts';
import type { Visitor } from './views/layout.ts';
import { replayPage, seenOf, totalOf, type ReplayView } from './views/webhook-replay-html.ts';
import { eventHref, WEBHOOKS_PATH } from './views/webhooks-html.ts';
import { operatorPage, page, seeOther, type Form, type PageReply } from './page-definition.ts';

const PATH = `${WEBHOOKS_PATH}/replay`;

/** An event, to one endpoint or all; or what an endpoint gave up, since a day or ever. */
const asked = z.object({
  event_id: z.uuid().optional(),
  endpoint_id: z.uuid().optional(),
  since: date.optional(),
});
type Asked = z.output<typeof asked>;

/** Shows what a replay would deliver, with the form that confirms it. */
export const askToReplay = operatorPage(
  { path: PATH, query: asked },
  async ({ query, visitor }, deps) =>
    page(replayPage({ ...(await readReplay(query, visitor, deps)), mistakes: [] })),
);

/** Replays through the API's own route, with the same validation and record of the action. */
export const replay = operatorPage(
  { method: 'post', path: PATH },
  async ({ form: sent, visitor, caller, requestId }, deps) => {
    const wanted = toAsked(sent);
    const view = await readReplay(wanted, visitor, deps);
    const { count } = view;
    if (sent.text('seen') !== seenOf(count)) return answerOutdated(wanted, view);
    const { event_id, endpoint_id } = wanted;
    const body =
      event_id === undefined
        ? { endpoint_id, since: count.since, dead_only: true }
        : { event_id, ...(endpoint_id !== undefined && { endpoint_id }) };
    await postWebhookReplay.handle({ params: {}, query: {}, body, caller, requestId }, deps);
    return seeOther(resultHref(wanted));
  },
);

/** A form that is sent twice finds its deliveries pending: they are not sent again. */
function answerOutdated(wanted: Asked, view: Omit<ReplayView, 'mistakes'>): PageReply {
  const { count } = view;
  const isDone = count.pending === totalOf(count);
  if (isDone) return seeOther(resultHref(wanted));
  const detail = 'The deliveries have changed since this page was loaded: check them again';
  return page(replayPage({ ...view, mistakes: [{ field: null, detail }] }), 422);
}

function resultHref({ event_id, endpoint_id }: Asked): string {
  const list = `${WEBHOOKS_PATH}?endpoint_id=${endpoint_id}`;
  return doneHref(event_id === undefined ? list : eventHref(event_id), 'replayed');
}

function toAsked(sent: Form): Asked {
  const names = ['event_id', 'endpoint_id', 'since'] as const;
  const given = names.map((name) => [name, sent.text(name)] as const);
  const present = Object.fromEntries(given.filter(([, text]) => text !== ''));
  // Safe: the schema has just validated it, which the compiler can't see.
  return check(asked, present, 'parameter') as Asked;
}

/** @throws HttpProblem `not-found`, `invalid-request` */
async function readReplay(
  { event_id, endpoint_id, since }: Asked,
  visitor: Visitor,
  { db }: Pick<ApiDeps, 'db'>,
): Promise<Omit<ReplayView, 'mistakes'>> {
  const [eventId, endpointId] = [event_id ?? null, endpoint_id ?? null];
  if (eventId === null && endpointId === null) {
    throw invalidRequest([{ parameter: 'event_id', detail: 'give event_id or endpoint_id' }]);
  }
  const event = eventId === null ? null : await showWebhookEvent(db, eventId);
  const [endpoint = null] = endpointId === null ? [] : await listWebhookEndpoints(db, endpointId);
  if (eventId !== null && event === null) throw unknown('event', eventId);
  if (endpointId !== null && endpoint === null) throw unknown('endpoint', endpointId);
  const selection: ReplaySelection = {
    ...{ eventId, endpointId, deadOnly: eventId === null },
    since:
      since === undefined || eventId !== null
        ? null
        : (await loadCalendar(db)).startOfDay(parseDate(since)),
  };
  return { visitor, event, endpoint, since: since ?? '', count: await countReplay(db, selection) };
}

function unknown(kind: string, id: string): HttpProblem {
  return new HttpProblem('not-found', `there is no webhook ${kind} ${id}`);
}
