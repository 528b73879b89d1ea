/**
 * Characters that are invisible or change how others are shown: controls, halves of surrogate pairs, line and
 * paragraph separators, zero-width and bidirectional controls, tags, fillers. Letters of
 * right-to-left scripts are not included.
 */
const HIDDEN = String.raw`[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]`;

/** Scripts that need a joiner or non-joiner between two letters, such as those of Persian and Hindi. */
const JOINING_SCRIPTS = [
  ...['Arabic', 'Syriac', 'Mongolian', 'Devanagari', 'Bengali', 'Gurmukhi', 'Gujarati', 'Oriya'],
  ...['Tamil', 'Telugu', 'Kannada', 'Malayalam', 'Sinhala', 'Myanmar', 'Khmer'],
];
const JOINED = `[${JOINING_SCRIPTS.map((script) => String.raw`\p{Script_Extensions=${script}}`).join('')}]`;
const SPELLING = String.raw`(?<=${JOINED})[\u200c\u200d](?=${JOINED})`;

const TO_SHOW = new RegExp(String.raw`(?!${SPELLING})${HIDDEN}`, 'gu');
const TO_SHOW_IN_LINES = new RegExp(String.raw`(?![\n\t]|${SPELLING})${HIDDEN}`, 'gu');
/** A quicker test that covers most texts. */
const PLAIN = /^[\x20-\x7e]*$/;
const PLAIN_LINES = /^[\x20-\x7e\n\t]*$/;

/**
 * Returns the text with each hidden character as an escape such as `\u202e`, in a single line. Every
 * text from outside passes through this once, where it enters a terminal, page, document, table or
 * log.
 */
export function visible(text: string): string {
  return PLAIN.test(text) ? text : text.replaceAll(TO_SHOW, toEscape);
}

/**
 * Returns the same but keeps line feeds and tabs, for our own text of several lines. JSON stays
 * JSON with the same meaning, because the escapes are JSON's own within its strings.
 */
export function visibleLines(text: string): string {
  return PLAIN_LINES.test(text) ? text : text.replaceAll(TO_SHOW_IN_LINES, toEscape);
}

/** Returns a copy of plain data in which every text, including field names, is `visible`. */
export function visibleIn<T>(data: T): T {
  return show(data) as T;
}

function show(value: unknown): unknown {
  if (typeof value === 'string') return visible(value);
  if (Array.isArray(value)) return value.map(show);
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [visible(name), show(field)]),
  );
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether PostgreSQL can store the text unchanged: no NUL and no lone surrogate. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** Escapes as in JSON and JavaScript: four hexadecimal digits per UTF-16 unit. */
function toEscape(character: string): string {
  return character
    .split('')
    .map((unit) => String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
