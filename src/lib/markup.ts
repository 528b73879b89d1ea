import { visibleLines } from './visible-text.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** HTML that is safe to put into a page. */
export class Markup {
  readonly text: string;

  /** @param text used unescaped */
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * A template of HTML: inserted values are escaped, with hidden characters shown, unless they are
 * markup themselves. (Not named `html`: Prettier would reformat it and break the style's hash in
 * the page's policy.)
 */
export function markup(strings: TemplateStringsArray, ...values: readonly unknown[]): Markup {
  return new Markup(String.raw({ raw: strings }, ...values.map(toText)));
}

function toText(value: unknown): string {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(toText).join('');
  return escape(typeof value === 'string' ? value : JSON.stringify(value ?? ''));
}

function escape(text: string): string {
  return visibleLines(text.replaceAll('\r\n', '\n')).replace(
    /[&<>"']/g,
    (character) => ENTITIES[character] ?? '',
  );
}
