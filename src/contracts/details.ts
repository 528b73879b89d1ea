/** An empty paragraph's text: Markdown drops what is nothing but ordinary spaces. */
const NO_BREAK_SPACE = '\u00a0';

/**
 * Markdown for the "details" of the Temporal Web UI. Its frame (2.42) has no room for the margins above the
 * first paragraph and below the last one, and cuts off what is lowest: here, an empty paragraph.
 */
export function toDetails(paragraphs: readonly string[]): string {
  return [...paragraphs, NO_BREAK_SPACE].join('\n\n');
}
