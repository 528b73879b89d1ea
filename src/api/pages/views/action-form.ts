import { createHash } from 'node:crypto';
import { markup, type Markup } from '../../../lib/markup.ts';
import { errorSummary, reasonField, type FieldMistake } from './form-fields.ts';
import { formToken, layout, type Link, type Visitor } from './layout.ts';

/** The page of an action: what it is about, the form, what will happen, and the confirmation. */

/** A sentence for people; markup if it has links. */
export type Sentence = string | Markup;

/** An action as its page shows it. */
export interface ActionView {
  readonly title: string;
  readonly trail: readonly Link[];
  /** Where Cancel leads. */
  readonly cancelHref: string;
  /** What the action is about, above the form. */
  readonly intro?: Markup;
  /** Why it can't be done now; then the page has no form. */
  readonly refusal: Sentence | null;
  /** Renders the fields, except those that all actions have. */
  readonly fields?: (mistakes: readonly FieldMistake[]) => Markup;
  /** Values that are sent back unchanged. */
  readonly hidden?: Readonly<Record<string, string | readonly string[]>>;
  /** Says where the reason is stored and who reads it; without it, none is asked for. */
  readonly reasonHint?: string;
  /** The label of the check box that confirms; for actions that can't be undone. */
  readonly confirmation?: string;
  readonly button: string;
}

export interface ActionPage {
  readonly visitor: Visitor;
  readonly view: ActionView;
  /** The path that the form is sent to. */
  readonly path: string;
  readonly reason: string;
  /** Empty until the fields are filled in. */
  readonly consequences: readonly Sentence[];
  readonly mistakes: readonly FieldMistake[];
  /** Whether the form was sent, and something else would happen than it showed. */
  readonly isChanged: boolean;
}

/** Renders the page of an action. */
export function actionPage(action: ActionPage): string {
  const { visitor, view, mistakes } = action;
  const { title, trail, intro = markup``, refusal, cancelHref } = view;
  return layout({
    title,
    visitor,
    trail,
    hasErrors: mistakes.length > 0,
    main:
      refusal === null
        ? markup`${errorSummary(mistakes)}${changedNote(action)}${intro}${actionForm(action)}`
        : markup`${intro}<p class="note" role="alert">${refusal}</p>
<p><a href="${cancelHref}">Back</a></p>
`,
  });
}

function changedNote({ isChanged, consequences }: ActionPage): Markup {
  if (!isChanged || consequences.length === 0) return markup``;
  return markup`<p class="note" role="alert" tabindex="-1" autofocus>Nothing has been done yet. Check <a href="#effects">what will happen now</a>, and confirm.</p>
`;
}

function actionForm({ visitor, view, path, reason, consequences, mistakes }: ActionPage): Markup {
  const { fields = () => markup``, hidden = {}, reasonHint, button, cancelHref } = view;
  const isForeseen = consequences.length > 0;
  return markup`<form class="sheet" method="post" action="${path}">
${formToken(visitor)}<input type="hidden" name="seen" value="${seenOf(consequences)}">
${hiddenFields(hidden)}${fields(mistakes)}${reasonHint === undefined ? '' : reasonField(reason, reasonHint, mistakes)}${
    isForeseen ? markup`${effects(consequences)}${confirmBox(view, mistakes)}` : ''
  }<div class="actions"><button>${isForeseen ? button : 'Continue'}</button><a href="${cancelHref}">Cancel</a></div>
</form>
`;
}

/**
 * Returns a digest of the sentences that a form showed. If it differs when the form is sent, the form or the data has
 * changed in the meantime, and people have to read again what will happen.
 */
export function seenOf(consequences: readonly Sentence[]): string {
  const text = consequences.map((sentence) => markup`${sentence}`.text).join('\n');
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

function hiddenFields(hidden: NonNullable<ActionView['hidden']>): Markup {
  const pairs = Object.entries(hidden).flatMap(([name, values]) =>
    [values].flat().map((value) => ({ name, value })),
  );
  return markup`${pairs.map(({ name, value }) => markup`<input type="hidden" name="${name}" value="${value}">\n`)}`;
}

function effects(consequences: readonly Sentence[]): Markup {
  return markup`<div class="effects" id="effects"><h2>What will happen</h2>
<ul>${consequences.map((sentence) => markup`<li>${sentence}</li>\n`)}</ul></div>
`;
}

/** Always unchecked: what will happen may differ each time the page is shown. */
function confirmBox({ confirmation }: ActionView, mistakes: readonly FieldMistake[]): Markup {
  if (confirmation === undefined) return markup``;
  const isMissing = mistakes.some(({ field: id }) => id === 'confirmed');
  return markup`<div class="choice"><input type="checkbox" id="confirmed" name="confirmed" value="true" required${isMissing ? markup` aria-invalid="true"` : ''}><label for="confirmed">${confirmation}</label></div>
`;
}
