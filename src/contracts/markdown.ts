import { visible } from '../lib/visible-text.ts';

/**
 * Markdown for the Temporal Web UI: the only way to put text into its summaries and details. Names,
 * reasons and signal payloads come from outside; unescaped, a link in a reason would become a link
 * in the page.
 */
export class Markdown {
  readonly source: string;

  /** @param source used unescaped */
  constructor(source: string) {
    this.source = source;
  }
}

type Value = string | number | Markdown | readonly Markdown[];

/**
 * A template of Markdown: inserted values are escaped unless they are Markdown themselves. Not
 * named `markdown`: Prettier would reformat it.
 */
export function richText(strings: TemplateStringsArray, ...values: readonly Value[]): Markdown {
  const sources = values.map((value, index) => {
    const before = strings[index] ?? '';
    return toSource(value, before.endsWith('\n') || (index === 0 && before === ''));
  });
  return new Markdown(String.raw({ raw: strings }, ...sources));
}

/** Returns a code span with the text in it, whatever it contains. */
export function code(text: string): Markdown {
  const shown = visible(text);
  const runs = shown.match(/`+/g) ?? [];
  const fence = '`'.repeat(Math.max(0, ...runs.map(({ length }) => length)) + 1);
  const padding = /^[` ]|[` ]$|^$/.test(shown) ? ' ' : '';
  return new Markdown(fence + padding + shown + padding + fence);
}

/** Returns a list with one item per line. */
export function list(items: readonly Markdown[]): Markdown {
  return new Markdown(items.map(({ source }) => `- ${source}`).join('\n'));
}

/** The text of an empty paragraph: Markdown drops paragraphs of ordinary spaces. */
const NO_BREAK_SPACE = '\u00a0';

/**
 * Joins paragraphs for the "details". Their frame in the Web UI (2.42) has no room for the margins
 * of the first and last paragraphs and cuts off the bottom, so an empty paragraph is added there.
 */
export function toDetails(paragraphs: readonly Markdown[]): string {
  return [...paragraphs.map(({ source }) => source), NO_BREAK_SPACE].join('\n\n');
}

/** The server rejects a summary of more than 400 bytes, and the step with it; a character has up to 3. */
const MAX_CHARACTERS = 130;

/** Returns a single line about a workflow or a step, short enough whatever a tenant's name is. */
export function toSummary({ source }: Markdown): string {
  if (source.length <= MAX_CHARACTERS) return source;
  // A backslash at the cut would escape the ellipsis.
  return `${source.slice(0, MAX_CHARACTERS - 1).replace(/\\$/, '')}…`;
}

/** Text without any character that could have a meaning: most of it, and there is a lot in a month end. */
const PLAIN = /^[a-zA-Z0-9 .,:;()'/-]*$/;

function toSource(value: Value, startsLine: boolean): string {
  if (value instanceof Markdown) return value.source;
  if (typeof value === 'object') return value.map(({ source }) => source).join('');
  const escaped = escape(String(value));
  return startsLine ? escapeStart(escaped) : escaped;
}

/**
 * Only characters with a meaning are escaped, because the Web UI shows the summaries of steps
 * unrendered: ids look the same in both.
 */
function escape(text: string): string {
  if (PLAIN.test(text)) return text;
  return (
    visible(text)
      .replaceAll(/[\\`*[\]<~|]/g, String.raw`\$&`)
      // No meaning within a word.
      .replaceAll(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, String.raw`\_`)
      .replaceAll(/&(?=#?\w+;)/g, String.raw`\&`)
      // The Web UI's own placeholders, such as {workflowId}.
      .replaceAll(/(?<=\{\w+)\}/g, String.raw`\}`)
  );
}

/** At the start of a line: headings, quotes, lists, rules; and code by indentation. */
function escapeStart(text: string): string {
  return text
    .replace(/^ +/, ' ')
    .replace(/^( ?)([#>+=-])/, String.raw`$1\$2`)
    .replace(/^( ?\d+)([.)])(?= |$)/, String.raw`$1\$2`);
}
