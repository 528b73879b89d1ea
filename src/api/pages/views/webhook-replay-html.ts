import type { WebhookEvent } from '../../../db/webhooks/delivery-views.ts';
import type { WebhookEndpoint } from '../../../db/webhooks/webhook-endpoints.ts';
import type { ReplayCount } from '../../../db/webhooks/webhook-replays.ts';
import { formatDate } from '../../../display/dates.ts';
import { groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { filterForm } from './filter-form.ts';
import { errorSummary, type FieldMistake } from './form-fields.ts';
import { formToken, layout, type Visitor } from './layout.ts';
import { minute } from './page-format.ts';
import { WEBHOOKS_TRAIL } from './webhook-event-html.ts';
import { eventHref, WEBHOOKS_PATH } from './webhooks-html.ts';

export interface ReplayView {
  readonly visitor: Visitor;
  /** Null: every event that the endpoint gave up. */
  readonly event: WebhookEvent | null;
  /** Null: every live endpoint that the event was addressed to. */
  readonly endpoint: WebhookEndpoint | null;
  /** First day of the events, in the billing time zone; empty: any day. Only without an event. */
  readonly since: string;
  /** What the replay would deliver now. */
  readonly count: ReplayCount;
  readonly mistakes: readonly FieldMistake[];
}

/** Renders the confirmation of a replay, with what it will deliver. */
export function replayPage(view: ReplayView): string {
  const { visitor, event, endpoint, since, count, mistakes } = view;
  const backHref = event === null ? WEBHOOKS_PATH : eventHref(event.eventId);
  const days =
    event === null
      ? filterForm(
          `${WEBHOOKS_PATH}/replay`,
          [{ name: 'since', label: 'Since', value: since, type: 'date' }],
          { endpoint_id: endpoint?.endpoint_id ?? '' },
        )
      : markup``;
  return layout({
    title: event === null ? 'Replay what was given up' : `Replay ${event.type}`,
    visitor,
    trail: WEBHOOKS_TRAIL,
    hasErrors: mistakes.length > 0,
    main: markup`${errorSummary(mistakes)}${aboutOf(view)}${days}${
      totalOf(count) === 0
        ? markup`<p class="note">${nothingText(view)}</p>
<p><a href="${backHref}">Back</a></p>
`
        : markup`<ul>
${sentencesOf(view).map((sentence) => markup`<li>${sentence}</li>\n`)}</ul>
<form class="sheet" method="post" action="${WEBHOOKS_PATH}/replay">
${formToken(visitor)}${hidden('event_id', event?.eventId)}${hidden('endpoint_id', endpoint?.endpoint_id)}${hidden('since', since)}${hidden('seen', seenOf(count))}<p>The action is recorded with your key’s name.</p>
<div class="actions"><button>Replay</button><a href="${backHref}">Cancel</a></div>
</form>
`
    }`,
  });
}

function hidden(name: string, value = ''): Markup {
  return markup`<input type="hidden" name="${name}" value="${value}">`;
}

function aboutOf({ visitor, event, endpoint }: ReplayView): Markup {
  const occurred =
    event === null
      ? ''
      : markup`<p>The event occurred on ${minute(event.occurredAt, visitor.timeZone)}.</p>\n`;
  const receiver =
    endpoint === null
      ? 'To every endpoint that it was addressed to and that is live.'
      : markup`To <span class="id">${endpoint.url}</span>${endpoint.label === null ? '' : ` (${endpoint.label})`}.`;
  return markup`${occurred}<p>${receiver}</p>
`;
}

/** What will happen, a sentence for each kind of delivery. */
function sentencesOf({ visitor, event, count }: ReplayView): readonly string[] {
  const { pending, delivered, dead, added, since } = count;
  const deliveries = (counted: number) =>
    counted === 1 ? '1 delivery' : `${groupDigits(counted)} deliveries`;
  return [
    dead > 0 && `${deliveries(dead)} that ${were(dead)} given up will be attempted again.`,
    delivered > 0 &&
      `${deliveries(delivered)} that ${were(delivered)} already accepted will be sent again: the receiver gets the same webhook-id a second time.`,
    pending > 0 &&
      `${deliveries(pending)} that ${pending === 1 ? 'is' : 'are'} still pending will be attempted now, from attempt 1.`,
    added > 0 &&
      `${deliveries(added)} will be added, to an endpoint that subscribes to the event but did not get it.`,
    event === null &&
      since !== null &&
      `The earliest event occurred on ${minute(since, visitor.timeZone)}.`,
    'Each delivery gets a full set of attempts.',
  ].filter((sentence) => sentence !== false);
}

function were(count: number): string {
  return count === 1 ? 'was' : 'were';
}

function nothingText({ event, endpoint, since }: ReplayView): string {
  if (endpoint !== null && endpoint.disabled_at !== null) {
    return 'There is nothing to replay: this endpoint is disabled and receives nothing.';
  }
  if (event !== null) {
    return 'There is nothing to replay: no live endpoint subscribes to this event.';
  }
  return `There is nothing to replay: no delivery to this endpoint was given up${since === '' ? '' : ` since ${formatDate(since)}`}.`;
}

/** The number of deliveries that a replay makes pending. */
export function totalOf({ pending, delivered, dead, added }: ReplayCount): number {
  return pending + delivered + dead + added;
}

/** What the page shows: if it has changed by the time the form is sent, it has to be confirmed again. */
export function seenOf({ pending, delivered, dead, added, attempts }: ReplayCount): string {
  return [pending, delivered, dead, added, attempts].join(' ');
}
