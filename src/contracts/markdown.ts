import { visible } from '../lib/visible-text.ts';

/**
 * Markdown for the Temporal Web UI: the only way for text into its summaries and details. Names,
 * reasons and what a signal brings come from outside; left as it is, a link in a reason would be one in the page.
 */
export class Markdown {
  readonly source: string;

  /** @param source taken as it is */
  constructor(source: string) {
    this.source = source;
  }
}

type Value = string | number | Markdown | readonly Markdown[];

/**
 * A template of Markdown: what is put in is escaped, unless it is Markdown itself. Not called `markdown`: Prettier
 * would reformat it.
 */
export function richText(strings: TemplateStringsArray, ...values: readonly Value[]): Markdown {
  const sources = values.map((value, index) => {
    const before = strings[index] ?? '';
    return toSource(value, before.endsWith('\n') || (index === 0 && before === ''));
  });
  return new Markdown(String.raw({ raw: strings }, ...sources));
}

/** A code span with the text in it, whatever that is. */
export function code(text: string): Markdown {
  const shown = visible(text);
  const runs = shown.match(/`+/g) ?? [];
  const fence = '`'.repeat(Math.max(0, ...runs.map(({ length }) => length)) + 1);
  const padding = /^[` ]|[` ]$|^$/.test(shown) ? ' ' : '';
  return new Markdown(fence + padding + shown + padding + fence);
}

/** A list with an item a line. */
export function list(items: readonly Markdown[]): Markdown {
  return new Markdown(items.map(({ source }) => `- ${source}`).join('\n'));
}

/** An empty paragraph's text: Markdown drops what is nothing but ordinary spaces. */
const NO_BREAK_SPACE = '\u00a0';

/**
 * Paragraphs for the "details". Their frame in the Web UI (2.42) has no room for the margins above the
 * first paragraph and below the last one, and cuts off what is lowest: here, an empty paragraph.
 */
export function toDetails(paragraphs: readonly Markdown[]): string {
  return [...paragraphs.map(({ source }) => source), NO_BREAK_SPACE].join('\n\n');
}

/** The server refuses a summary of more than 400 bytes, and with it the step; a character has up to 3. */
const MAX_CHARACTERS = 130;

/** A single line about a workflow or one of its steps, short enough whatever a tenant is called. */
export function toSummary({ source }: Markdown): string {
  if (source.length <= MAX_CHARACTERS) return source;
  // A backslash at the cut would escape what isn't there any more.
  return `${source.slice(0, MAX_CHARACTERS - 1).replace(/\\$/, '')}…`;
}

function toSource(value: Value, startsLine: boolean): string {
  if (value instanceof Markdown) return value.source;
  if (typeof value === 'object') return value.map(({ source }) => source).join('');
  const escaped = escape(String(value));
  return startsLine ? escapeStart(escaped) : escaped;
}

/**
 * Only what could mean something is escaped, because the Web UI shows the summaries of steps as they are:
 * ids look the same in both.
 */
function escape(text: string): string {
  return (
    visible(text)
      .replaceAll(/[\\`*[\]<~|]/g, String.raw`\$&`)
      // Within a word it means nothing.
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
