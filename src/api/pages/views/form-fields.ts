import { markup, type Markup } from '../../../lib/markup.ts';

/** An error in a form. */
export interface FieldMistake {
  /** The id of the input; null for the form as a whole. */
  readonly field: string | null;
  readonly detail: string;
}

/** Renders the list of errors with a link to each field. It gets the focus, so screen readers read it first. */
export function errorSummary(mistakes: readonly FieldMistake[]): Markup {
  if (mistakes.length === 0) return markup``;
  const items = mistakes.map(({ field, detail }) =>
    field === null
      ? markup`<li>${detail}</li>`
      : markup`<li><a href="#${field}">${detail}</a></li>`,
  );
  return markup`<div class="note bad" role="alert" tabindex="-1" autofocus><h2>There is a problem</h2><ul>${items}</ul></div>
`;
}

export interface FieldOptions {
  readonly id: string;
  readonly label: string;
  readonly hint?: string;
  readonly mistakes: readonly FieldMistake[];
  /** Renders the input with the attributes that link it to its label, hint and error. */
  readonly input: (attributes: Markup) => Markup;
}

/** Renders a field with its label, hint and errors. */
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

export interface TextFieldOptions extends Omit<FieldOptions, 'input'> {
  /** As it was typed. */
  readonly value: string;
  /** Further attributes of the input, with a space before each. */
  readonly more?: Markup;
}

/** Renders a field for a line of text, which is sent under its id. */
export function textField({ value, more = markup``, ...options }: TextFieldOptions): Markup {
  return field({
    ...options,
    input: (attributes) =>
      markup`<input ${attributes} name="${options.id}" value="${value}"${more}>`,
  });
}

/**
 * Renders the field for the reason of an action, which is sent as `reason`.
 * @param hint says where it is stored, and who reads it
 * @param id of the input; pages with several forms have several
 */
export function reasonField(
  reason: string,
  hint: string,
  mistakes: readonly FieldMistake[],
  id = 'reason',
): Markup {
  return field({
    id,
    label: 'Reason',
    hint,
    mistakes,
    input: (attributes) =>
      markup`<textarea ${attributes} name="reason" rows="2" maxlength="1000" required>${reason}</textarea>`,
  });
}
