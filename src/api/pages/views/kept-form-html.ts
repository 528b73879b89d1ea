import { humanise } from '../../../display/names.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { table } from './html-table.ts';
import { FORM_TOKEN, formToken, layout, rootOf, type Visitor } from './layout.ts';

export interface KeptFormView {
  readonly visitor: Visitor;
  /** The path that the form goes to. */
  readonly action: string;
  readonly fields: readonly Field[];
}

/** Name and value, as they were sent. */
type Field = readonly [string, string];

/** Renders what was typed into a form of an ended session, with a button that sends it. */
export function keptFormPage({ visitor, action, fields }: KeptFormView): string {
  const kept = fields.filter(([name]) => name !== FORM_TOKEN);
  return layout({
    title: 'Send the form?',
    visitor,
    main: markup`<p class="note">Your form arrived after its session had ended, so nothing was sent. You are signed in again as ${visitor.label}. This is what you entered:</p>
${table({
  caption: 'What you entered',
  empty: 'You entered nothing.',
  rows: [...Map.groupBy(kept.filter(isShown), ([name]) => name)],
  columns: [
    { head: 'Field', isHead: true, cell: ([name]) => humanise(name.replaceAll('.', ' ')) },
    { head: 'Value', cell: ([, values]) => values.map(([, value]) => valueText(value)).join(', ') },
  ],
})}<form class="actions" method="post" action="${action}">${formToken(visitor)}${kept.map(hiddenField)}<button>Send</button><a href="${rootOf(visitor)}">Discard it</a></form>
`,
  });
}

/** Renders that a kept form isn't shown, because it was made in a session of another key. */
export function foreignFormPage(visitor: Visitor): string {
  return layout({
    title: 'The form was not sent',
    visitor,
    main: markup`<p class="note">The form from before does not belong to a session of this key, so what was entered is not shown. Nothing was sent.</p>
<ul class="links"><li><a href="${rootOf(visitor)}">Start page</a></li></ul>
`,
  });
}

/** A request's id is made by the page that asks for it, and prevents it from counting twice. */
function isShown([name, value]: Field): boolean {
  return name !== 'request_id' && value !== '';
}

/** The value of a check box is `true`. */
function valueText(value: string): string {
  return value === 'true' ? 'yes' : value;
}

function hiddenField([name, value]: Field): Markup {
  return markup`<input type="hidden" name="${name}" value="${value}">`;
}
