import { WEBHOOK_EVENT_TYPES } from '../../../contracts/webhook-types.ts';
import { DELIVERY_STATES, type ListedDelivery } from '../../../db/webhooks/delivery-views.ts';
import type { WebhookEndpoint } from '../../../db/webhooks/webhook-endpoints.ts';
import { answerText, deliveryStateText } from '../../../display/webhook-text.ts';
import { groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { doneNote, type Done } from './done-note.ts';
import { filterForm } from './filter-form.ts';
import { nextLink, table, type Column } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';
import { minute } from './page-format.ts';
import { tenantIdLink } from './places.ts';

export const WEBHOOKS_PATH = '/operator/webhooks';

/** Returns the path of an event's page. */
export function eventHref(eventId: string): string {
  return `${WEBHOOKS_PATH}/events/${eventId}`;
}

export interface WebhooksView {
  readonly visitor: Visitor;
  readonly endpoints: readonly WebhookEndpoint[];
  readonly deliveries: readonly ListedDelivery[];
  /** Empty texts filter nothing. */
  readonly filter: {
    readonly endpointId: string;
    readonly tenantId: string;
    readonly type: string;
    readonly state: string;
  };
  readonly nextHref: string | null;
  /** What has just been done. */
  readonly done: Done | undefined;
}

/** Renders the endpoints, and the deliveries that the filter matches. */
export function webhooksPage(view: WebhooksView): string {
  const { visitor, endpoints, deliveries, filter, nextHref, done } = view;
  const isFiltered = Object.values(filter).some((value) => value !== '');
  return layout({
    title: 'Webhooks',
    visitor,
    main: markup`${doneNote(done)}<p>Endpoints receive events, such as <code>invoice.issued</code>. Register, disable and rotate secrets with the command line: <code>npm run cli -- webhooks --help</code>.</p>
${endpointsTable(endpoints, visitor)}<h2 id="deliveries">Deliveries</h2>
${filterForm(WEBHOOKS_PATH, [
  {
    ...{ name: 'endpoint_id', label: 'Endpoint', value: filter.endpointId, any: 'Any endpoint' },
    choices: endpoints.map((endpoint) => ({
      value: endpoint.endpoint_id,
      text: endpoint.label ?? endpoint.url,
    })),
  },
  { name: 'tenant_id', label: 'Tenant', value: filter.tenantId },
  {
    ...{ name: 'type', label: 'Event', value: filter.type, any: 'Any event' },
    choices: WEBHOOK_EVENT_TYPES.map((type) => ({ value: type, text: type })),
  },
  {
    ...{ name: 'state', label: 'State', value: filter.state, any: 'Any state' },
    choices: DELIVERY_STATES.map((state) => ({ value: state, text: deliveryStateText(state) })),
  },
])}${table({
      caption: 'Deliveries, latest event first',
      empty: isFiltered ? 'No deliveries match.' : 'There are no deliveries yet.',
      rows: deliveries,
      columns: [eventColumn(visitor), ...deliveryColumns(visitor)],
    })}${nextLink(nextHref, 'Earlier deliveries')}`,
  });
}

function endpointsTable(endpoints: readonly WebhookEndpoint[], visitor: Visitor): Markup {
  return table({
    caption: 'Endpoints',
    empty: 'There are no endpoints yet.',
    rows: endpoints,
    columns: [
      {
        head: 'Endpoint',
        isHead: true,
        cell: ({ url, label, endpoint_id }) =>
          markup`<a href="${WEBHOOKS_PATH}?endpoint_id=${endpoint_id}#deliveries">${label ?? url}</a>${label === null ? '' : markup`<span class="sub id">${url}</span>`}<span class="sub id">${endpoint_id}</span>`,
      },
      { head: 'Events', cell: eventTypesCell },
      { head: 'State', cell: (endpoint) => endpointState(endpoint, visitor) },
      { head: 'Pending', isFigure: true, cell: (endpoint) => stateLink(endpoint, 'pending') },
      { head: 'Given up', isFigure: true, cell: (endpoint) => stateLink(endpoint, 'dead') },
      {
        head: 'Attempts',
        cell: ({ delivered_attempts, failed_attempts }) =>
          `${groupDigits(delivered_attempts)} delivered, ${groupDigits(failed_attempts)} failed`,
      },
    ],
  });
}

function eventTypesCell({ event_types }: WebhookEndpoint): string {
  return event_types.length === WEBHOOK_EVENT_TYPES.length ? 'all' : event_types.join(', ');
}

function endpointState(
  { disabled_at, disabled_reason, secrets }: WebhookEndpoint,
  { timeZone }: Visitor,
): Markup {
  if (disabled_at !== null) {
    return markup`${badge('plain', 'disabled')}<span class="sub">${minute(disabled_at, timeZone)}: ${disabled_reason}</span>`;
  }
  const ends = secrets.flatMap(({ expires_at }) => expires_at ?? []);
  return markup`${badge('good', 'live')}${ends.map((end) => markup`<span class="sub">The former secret signs until ${minute(end, timeZone)}</span>`)}`;
}

/** The number of deliveries in a state, with a link to them; of those given up also a link that replays them. */
function stateLink(
  { endpoint_id, disabled_at, url, pending, dead }: WebhookEndpoint,
  state: 'pending' | 'dead',
): Markup | string {
  const count = state === 'dead' ? dead : pending;
  if (count === 0) return '0';
  const list = markup`<a href="${WEBHOOKS_PATH}?endpoint_id=${endpoint_id}&amp;state=${state}#deliveries">${groupDigits(count)}<span class="heard"> ${deliveryStateText(state)}, to ${url}</span></a>`;
  if (state === 'pending' || disabled_at !== null) return list;
  return markup`${list}<span class="sub"><a href="${WEBHOOKS_PATH}/replay?endpoint_id=${endpoint_id}">Replay<span class="heard"> what was given up, to ${url}</span></a></span>`;
}

function eventColumn({ timeZone }: Visitor): Column<ListedDelivery> {
  return {
    head: 'Event',
    isHead: true,
    cell: ({ eventId, type, tenantId, occurredAt }) =>
      markup`<a href="${eventHref(eventId)}">${type}<span class="heard">, ${eventId}</span></a>${tenantId === null ? '' : markup`<span class="sub">${tenantIdLink(tenantId)}</span>`}<span class="sub date">${minute(occurredAt, timeZone)}</span>`,
  };
}

const TONES = { pending: 'busy', delivered: 'good', dead: 'bad' } as const;

/** The columns of a delivery, after the one that names it. */
export function deliveryColumns({ timeZone }: Visitor): readonly Column<ListedDelivery>[] {
  return [
    {
      head: 'Endpoint',
      cell: ({ url, label, isDisabled }) =>
        markup`${label ?? markup`<span class="id">${url}</span>`}${isDisabled ? markup`<span class="sub">disabled</span>` : ''}`,
    },
    {
      head: 'State',
      cell: ({ state, nextAttemptAt }) =>
        markup`${badge(TONES[state], deliveryStateText(state))}${nextAttemptAt === null ? '' : markup`<span class="sub date">Next attempt ${minute(nextAttemptAt, timeZone)}</span>`}`,
    },
    { head: 'Attempts', isFigure: true, cell: ({ attempts }) => groupDigits(attempts) },
    {
      head: 'Last answer',
      cell: ({ attemptedAt, status, error }) =>
        attemptedAt === null
          ? 'none yet'
          : markup`${answerText({ status, error })}<span class="sub date">${minute(attemptedAt, timeZone)}</span>`,
    },
    { head: '', cell: replayLink },
  ];
}

function replayLink({
  eventId,
  endpointId,
  type,
  url,
  isDisabled,
}: ListedDelivery): Markup | string {
  if (isDisabled) return '';
  return markup`<a href="${WEBHOOKS_PATH}/replay?event_id=${eventId}&amp;endpoint_id=${endpointId}">Replay<span class="heard"> ${type} to ${url}</span></a>`;
}
