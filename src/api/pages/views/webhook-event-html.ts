import type { ListedDelivery, WebhookEvent } from '../../../db/webhooks/delivery-views.ts';
import type { LoggedWebhookAttempt } from '../../../db/webhooks/webhook-attempts.ts';
import { answerText } from '../../../display/webhook-text.ts';
import { groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { doneNote, type Done } from './done-note.ts';
import { nextLink, table } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';
import { minute } from './page-format.ts';
import { tenantIdLink } from './places.ts';
import { deliveryColumns, WEBHOOKS_PATH } from './webhooks-html.ts';

/** The breadcrumb of the pages below the list. */
export const WEBHOOKS_TRAIL = [{ href: WEBHOOKS_PATH, text: 'Webhooks' }];

export interface WebhookEventView {
  readonly visitor: Visitor;
  readonly event: WebhookEvent;
  readonly deliveries: readonly ListedDelivery[];
  readonly attempts: readonly LoggedWebhookAttempt[];
  readonly nextHref: string | null;
  /** What has just been done. */
  readonly done: Done | undefined;
}

/** Renders an event: what is sent, to which endpoints, and each attempt with the answer. */
export function webhookEventPage(view: WebhookEventView): string {
  const { visitor, event, deliveries, attempts, nextHref, done } = view;
  const { eventId, type, tenantId, occurredAt, data } = event;
  const labels = new Map(deliveries.map((each) => [each.endpointId, each.label ?? each.url]));
  return layout({
    title: type,
    visitor,
    trail: WEBHOOKS_TRAIL,
    main: markup`${doneNote(done)}<dl class="facts">
<div><dt>Occurred</dt><dd>${minute(occurredAt, visitor.timeZone)}</dd></div>
${tenantId === null ? '' : markup`<div><dt>Tenant</dt><dd>${tenantIdLink(tenantId)}</dd></div>\n`}<div><dt>webhook-id</dt><dd class="id">${eventId}</dd></div>
</dl>
${table({
  caption: 'Deliveries',
  hasVisibleCaption: true,
  empty: 'No endpoint subscribed to it.',
  rows: deliveries,
  columns: deliveryColumns(visitor).map((column, index) => ({ ...column, isHead: index === 0 })),
})}${table({
      caption: 'Attempts, latest first',
      hasVisibleCaption: true,
      empty: 'There are no attempts yet.',
      rows: attempts,
      columns: [
        {
          head: 'Attempt',
          isHead: true,
          cell: ({ attempt, attempted_at }) =>
            markup`${groupDigits(attempt)}<span class="sub date">${minute(attempted_at, visitor.timeZone)}</span>`,
        },
        { head: 'Endpoint', cell: ({ endpoint_id }) => labels.get(endpoint_id) ?? endpoint_id },
        { head: 'Answer', cell: answerCell },
        {
          head: 'Duration',
          isFigure: true,
          cell: ({ duration_ms }) => `${groupDigits(duration_ms)} ms`,
        },
      ],
    })}${nextLink(nextHref, 'Earlier attempts')}<h2>Data</h2>
${jsonBlock(data)}`,
  });
}

function answerCell({ outcome, status, error, response }: LoggedWebhookAttempt): Markup {
  const text = answerText({ status, error });
  return markup`${badge(outcome === 'delivered' ? 'good' : 'bad', text)}${response === null || response === '' ? '' : markup`<pre class="code sub">${response}</pre>`}`;
}

/** Renders a value as JSON. Long lines wrap. */
export function jsonBlock(value: unknown): Markup {
  return markup`<pre class="code">${JSON.stringify(value, null, 2)}</pre>
`;
}
