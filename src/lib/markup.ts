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

  /** @param text taken as it is */
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * A template of HTML: what is put in is escaped, with hidden characters shown, unless it is markup itself. (Not called `html`,
 * lest Prettier moves white space within it: a style's hash is in the page's policy.)
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
