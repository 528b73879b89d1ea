import type { QuarantineCount, QuarantinedEvent } from '../../../db/usage/quarantine-views.ts';
import { chargeText, heldText, reasonText } from '../../../display/quarantine-text.ts';
import {
  QUARANTINE_REASONS,
  QUARANTINE_STATES,
  RELEASED_BY_NAME,
  remedyFor,
  type QuarantineReason,
  type QuarantineState,
} from '../../../domain/quarantine.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { filterForm, type FilterField } from './filter-form.ts';
import { errorSummary, reasonField, textField, type FieldMistake } from './form-fields.ts';
import { nextLink, table } from './html-table.ts';
import { formToken, layout, type Visitor } from './layout.ts';
import { minute } from './page-format.ts';
import { tenantIdLink } from './places.ts';

/** The submitted form. */
export interface DecisionForm {
  readonly reason: string;
  readonly asTenant: string;
  readonly asDeployment: string;
  readonly asCurrency: string;
  /** Which of the two forms was submitted. */
  readonly isDismissal: boolean;
}

export const EMPTY_FORM: DecisionForm = {
  ...{ reason: '', asTenant: '', asDeployment: '', asCurrency: '' },
  isDismissal: false,
};

interface DecisionView {
  readonly visitor: Visitor;
  readonly form: DecisionForm;
  readonly mistakes: readonly FieldMistake[];
}

export interface QuarantineView extends DecisionView {
  readonly events: readonly QuarantinedEvent[];
  /** The held events that the filter matches. */
  readonly counts: readonly QuarantineCount[];
  readonly filter: {
    readonly state: QuarantineState;
    /** Null: any reason. */
    readonly heldFor: QuarantineReason | null;
    /** Empty: any tenant. */
    readonly tenantId: string;
  };
  readonly nextHref: string | null;
}

/** Renders the list of quarantined usage. */
export function quarantinePage(view: QuarantineView): string {
  const { visitor, events, counts, filter, nextHref, mistakes } = view;
  return layout({
    title: 'Quarantine',
    visitor,
    hasErrors: mistakes.length > 0,
    main: markup`${errorSummary(mistakes)}<p>Usage that gateways sent and that could not be accepted. Held events are not billed. ${counts.length === 0 ? '' : markup`Held: ${heldText(counts)}.`}</p>
${filterForm('/operator/quarantine', filterFields(filter))}
${table({
  caption: 'Quarantined usage, latest first',
  empty: 'No events match.',
  rows: events,
  columns: [
    {
      head: 'Reason',
      isHead: true,
      cell: ({ quarantine_id, held_for, detail }) =>
        markup`<a href="/operator/quarantine/${quarantine_id}">${reasonText(held_for)}<span class="heard">, event ${quarantine_id}</span></a><span class="sub">${detail}</span>`,
    },
    {
      head: 'Tenant and deployment',
      cell: ({ tenant_id, deployment_id, held_for }) =>
        markup`${tenant_id === null || held_for === 'unknown_tenant' ? markup`<span class="id">${tenant_id ?? ''}</span>` : tenantIdLink(tenant_id)}<span class="sub id">${deployment_id ?? ''}</span>`,
    },
    { head: 'Model', cell: ({ model }) => model ?? '' },
    {
      head: 'Occurred',
      cell: ({ occurred_at }) =>
        occurred_at === null ? '' : minute(occurred_at, visitor.timeZone),
    },
    { head: 'Charge', isFigure: true, cell: chargeText },
    { head: 'State', cell: stateCell },
  ],
})}${nextLink(nextHref, 'Earlier events')}${
      filter.state === 'held' && events.length > 0 ? bulkForms(view) : ''
    }`,
  });
}

/** Returns the fields that the list is filtered by. */
function filterFields({
  state,
  heldFor,
  tenantId,
}: QuarantineView['filter']): readonly FilterField[] {
  const states = QUARANTINE_STATES.map((one) => ({ value: one, text: one }));
  const reasons = QUARANTINE_REASONS.map((one) => ({ value: one, text: reasonText(one) }));
  return [
    { name: 'state', label: 'State', value: state, choices: states, any: null },
    {
      ...{ name: 'held_for', label: 'Reason', value: heldFor ?? '' },
      ...{ choices: reasons, any: 'Any reason' },
    },
    { name: 'tenant_id', label: 'Tenant', value: tenantId },
  ];
}

const TONES = { held: 'busy', released: 'good', dismissed: 'plain' } as const;

function stateCell({ state, decision }: QuarantinedEvent): Markup {
  return markup`${badge(TONES[state], state)}${decision === null ? '' : markup`<span class="sub">By ${decision.actor}: ${decision.reason}</span>`}`;
}

/** Renders the forms for all events that the filter matches. */
function bulkForms({ filter: { heldFor, tenantId }, ...view }: QuarantineView): Markup {
  const about = markup`<input type="hidden" name="held_for" value="${heldFor ?? ''}"><input type="hidden" name="tenant_id" value="${tenantId}">`;
  const left = RELEASED_BY_NAME.map(reasonText).join(', ');
  const scope =
    heldFor === null
      ? `All held events that the filter matches, except ${left}: choose that reason to release them.`
      : 'All held events that the filter matches.';
  return markup`${releaseForm({ ...view, about, scope, verb: 'Release all' })}${
    heldFor === null ? '' : dismissForm({ ...view, about, scope, verb: 'Dismiss all' })
  }`;
}

interface FormView extends DecisionView {
  /** Hidden fields that say which events the form is about. */
  readonly about: Markup;
  readonly scope: string;
  readonly verb: string;
}

function releaseForm({ visitor, form, mistakes, about, scope, verb }: FormView): Markup {
  const shown = form.isDismissal ? EMPTY_FORM : form;
  const optional = (id: string, label: string, value: string) =>
    textField({ id, label, mistakes, value });
  return markup`<h2 id="release">Release</h2>
<form class="sheet" method="post" action="/operator/quarantine/release">
${formToken(visitor)}${about}<p class="hint">${scope} Events that can’t be accepted yet stay held.</p>
${reasonField(shown.reason, REASON_HINT, mistakes)}<fieldset><legend>Only if the gateway sent wrong ones</legend>
${optional('as_tenant', 'Release to tenant', shown.asTenant)}${optional('as_deployment', 'and deployment', shown.asDeployment)}${optional('as_currency', 'Amounts are in', shown.asCurrency)}</fieldset>
<div class="actions"><button>${verb}</button></div>
</form>
`;
}

function dismissForm({ visitor, form, mistakes, about, scope, verb }: FormView): Markup {
  return markup`<h2 id="dismiss">Dismiss</h2>
<form class="sheet" method="post" action="/operator/quarantine/dismiss">
${formToken(visitor)}${about}<p class="hint">${scope} They will not be billed, and stay in this list with your reason. You can’t undo this.</p>
${reasonField(form.isDismissal ? form.reason : '', REASON_HINT, mistakes, 'dismiss_reason')}<div class="actions"><button>${verb}</button></div>
</form>
`;
}

const REASON_HINT = 'Stored with the events, and recorded with your key’s name.';

export interface QuarantinedEventView extends DecisionView {
  readonly event: QuarantinedEvent;
}

/** Renders a quarantined event: what was sent, what to do about it, and the forms that release or dismiss it. */
export function quarantinedEventPage(view: QuarantinedEventView): string {
  const { visitor, event, mistakes } = view;
  const { quarantine_id: id, decision } = event;
  const about = markup`<input type="hidden" name="quarantine_id" value="${id}">`;
  const remedy = remedyFor(event);
  const fields = Object.entries(event.fields).map(([name, value]) => ({ name, value }));
  return layout({
    title: `Event ${id}`,
    visitor,
    trail: [{ href: '/operator/quarantine', text: 'Quarantine' }],
    hasErrors: mistakes.length > 0,
    main: markup`${errorSummary(mistakes)}<p>${badge(TONES[event.state], event.state)} ${reasonText(event.held_for)}: ${event.detail}</p>
${remedy === null ? '' : markup`<p class="note">${remedy}</p>\n`}${decision === null ? '' : markup`<p>By ${decision.actor} at ${minute(decision.decided_at, visitor.timeZone)}: ${decision.reason}</p>\n`}<dl class="facts">
<div><dt>Charge</dt><dd>${chargeText(event) || 'not readable'}</dd></div>
<div><dt>Received</dt><dd>${minute(event.received_at, visitor.timeZone)}</dd></div>
<div><dt>From key</dt><dd>${event.gateway_key ?? 'unknown'}</dd></div>
</dl>
${table({
  caption: 'What was sent',
  hasVisibleCaption: true,
  empty: 'Nothing of the event could be read.',
  rows: fields,
  columns: [
    { head: 'Field', isHead: true, cell: ({ name }) => name },
    {
      head: 'Value',
      cell: ({ name, value }) => markup`${shownValue(value)}${assignedTo(event, name)}`,
    },
  ],
})}${
      event.state === 'held'
        ? markup`${releaseForm({ ...view, about, scope: 'This event.', verb: 'Release' })}${dismissForm({ ...view, about, scope: 'This event.', verb: 'Dismiss' })}`
        : ''
    }`,
  });
}

function shownValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function assignedTo({ decision }: QuarantinedEvent, name: string): Markup {
  const assigned = decision?.assigned?.[name];
  return assigned === undefined
    ? markup``
    : markup`<span class="sub">Released as ${shownValue(assigned)}</span>`;
}
