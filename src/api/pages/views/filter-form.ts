import { markup, type Markup } from '../../../lib/markup.ts';
import { field } from './form-fields.ts';

/** A field of a filter. An empty value filters nothing. */
export interface FilterField {
  /** Name of the query parameter. */
  readonly name: string;
  readonly label: string;
  readonly value: string;
  /** The values to choose from, besides any; undefined: free text. */
  readonly choices?: readonly FilterChoice[];
  /** The choice of no filter: `Any state`. Null: one of the values is always chosen. */
  readonly any?: string | null;
  readonly type?: 'text' | 'date';
}

export interface FilterChoice {
  readonly value: string;
  readonly text: string;
}

/**
 * Renders the form that filters a list, by GET to its own path.
 * @param kept further query parameters, which stay as they are
 */
export function filterForm(
  path: string,
  fields: readonly FilterField[],
  kept: Readonly<Record<string, string>> = {},
): Markup {
  return markup`<form class="filter" method="get" action="${path}">
${Object.entries(kept).map(([name, value]) => markup`<input type="hidden" name="${name}" value="${value}">`)}${fields.map((each) => field({ id: each.name, label: each.label, mistakes: [], input: (attributes) => inputOf(each, attributes) }))}<button class="quiet">Filter</button>
</form>
`;
}

function inputOf(
  { name, value, choices, any = 'Any', type = 'text' }: FilterField,
  attributes: Markup,
): Markup {
  if (choices === undefined) {
    return markup`<input ${attributes} type="${type}" name="${name}" value="${value}"${type === 'text' ? markup` spellcheck="false"` : ''}>`;
  }
  const options = [...(any === null ? [] : [{ value: '', text: any }]), ...choices].map(
    (choice) =>
      markup`<option value="${choice.value}"${choice.value === value ? markup` selected` : ''}>${choice.text}</option>`,
  );
  return markup`<select ${attributes} name="${name}">${options}</select>`;
}
