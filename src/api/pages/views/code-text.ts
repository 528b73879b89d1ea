import { markup, type Markup } from '../../../lib/markup.ts';

/** Renders a sentence for pages and terminals: what is between backticks is code. */
export function withCode(sentence: string): Markup {
  const parts = sentence.split('`');
  return markup`${parts.map((part, index) => (index % 2 === 0 ? markup`${part}` : markup`<code>${part}</code>`))}`;
}
