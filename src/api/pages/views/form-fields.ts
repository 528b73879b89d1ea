import { markup, type Markup } from '../../../lib/markup.ts';

/** What is wrong with a field of a form. */
export interface FieldMistake {
  /** The id of the input; null: of the form as a whole. */
  readonly field: string | null;
  readonly detail: string;
}

/** Said first, with the focus on it, and a link to each field. */
export function errorSummary(mistakes: readonly FieldMistake[]): Markup {
  if (mistakes.length === 0) return markup``;
  const items = mistakes.map(({ field, detail }) =>
    field === null
      ? markup`<li>${detail}</li>`
      : markup`<li><a href="#${field}">${detail}</a></li>`,
  );
  return markup`<div class="note bad" role="alert" tabindex="-1" autofocus><h2>That can’t be used yet</h2><ul>${items}</ul></div>
`;
}

export interface FieldOptions {
  readonly id: string;
  readonly label: string;
  readonly hint?: string;
  readonly mistakes: readonly FieldMistake[];
  /** Made with what ties the input to its label, its hint and its mistake. */
  readonly input: (attributes: Markup) => Markup;
}

/** A field with its label; what is wrong with it stands beside it. */
export function field({ id, label, hint, mistakes, input }: FieldOptions): Markup {
  const own = mistakes.filter((mistake) => mistake.field === id);
  const describedBy = [hint !== undefined && `${id}-hint`, own.length > 0 && `${id}-mistake`]
    .filter(Boolean)
    .join(' ');
  const attributes = markup`id="${id}"${describedBy === '' ? '' : markup` aria-describedby="${describedBy}"`}${own.length > 0 ? markup` aria-invalid="true"` : ''}`;
  return markup`<div class="field${own.length > 0 ? ' wrong' : ''}">
<label for="${id}">${label}</label>
${hint === undefined ? '' : markup`<div class="hint" id="${id}-hint">${hint}</div>`}${own.length > 0 ? markup`<div class="mistake" id="${id}-mistake">${own.map(({ detail }) => detail).join('; ')}</div>` : ''}${input(attributes)}
</div>
`;
}
