import type { OperatorAction } from '../../../db/month-end/operator-actions.ts';
import { groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { AUDIT_PATH, outcomeBadge, targetCell, tenantsCell } from './audit-html.ts';
import { layout, type Visitor } from './layout.ts';
import { minute } from './page-format.ts';
import { jsonBlock } from './webhook-event-html.ts';

export interface ActionView {
  readonly visitor: Visitor;
  readonly action: OperatorAction;
}

const CHANNEL_NAMES: Readonly<Record<OperatorAction['channel'], string>> = {
  api: 'API or pages',
  cli: 'command line',
  temporal: 'Temporal',
  schedule: 'Schedule',
};

/** Renders a recorded action: who asked for what, and how it ended. */
export function actionPage({ visitor, action }: ActionView): string {
  const { actor, channel, detail, status, requested_at, answered_at } = action;
  const at = (instant: string) => minute(instant, visitor.timeZone);
  return layout({
    title: action.action,
    visitor,
    trail: [{ href: AUDIT_PATH, text: 'Audit log' }],
    main: markup`<p>${outcomeBadge(action)}${detail === null ? '' : ` ${detail}`}</p>
${action.outcome === null ? LOST : ''}<dl class="facts">
${fact('By', `${actor}, ${CHANNEL_NAMES[channel]}`)}${fact('Requested', at(requested_at))}${answered_at === null ? '' : fact('Ended', at(answered_at))}${status === null ? '' : fact(channel === 'api' ? 'HTTP status' : 'Exit code', status)}</dl>
${subjectOf(action, visitor)}<h2>Input</h2>
${inputOf(action)}<dl class="facts">
${fact('SHA-256 of the input', id(action.input_sha256))}${fact('Request', id(action.month_request ?? action.request_id))}${fact('Key', id(action.key_id))}${fact('Record', id(String(action.action_id)))}</dl>
`,
  });
}

const LOST = markup`<p class="note">It has no outcome yet: it is running, or its process died. Check what it is about to see whether it took effect.</p>
`;

/** What it is about, as far as it names something. */
function subjectOf(action: OperatorAction, visitor: Visitor): Markup {
  const said = [
    { name: 'About', value: targetCell(action.target, visitor) },
    { name: 'Tenants', value: tenantsCell(action) },
    { name: 'Reason', value: markup`${action.reason ?? ''}` },
  ].filter(({ value }) => value.text !== '');
  if (said.length === 0) return markup``;
  return markup`<dl class="facts">
${said.map(({ name, value }) => fact(name, value))}</dl>
`;
}

/** `null` as JSON. */
const NO_INPUT_BYTES = 4;

function inputOf({ input, input_bytes: bytes }: OperatorAction): Markup {
  if (input !== null) return jsonBlock(input);
  return bytes <= NO_INPUT_BYTES
    ? markup`<p>None.</p>\n`
    : markup`<p>Only its digest is kept, because it has ${groupDigits(bytes)} bytes.</p>\n`;
}

function fact(name: string, value: unknown): Markup {
  return markup`<div><dt>${name}</dt><dd>${value}</dd></div>
`;
}

function id(value: string | null): Markup {
  return value === null ? markup`none` : markup`<span class="id">${value}</span>`;
}
