import type { Explanation } from '../explain-error.ts';
import { style } from './style.ts';

/** What is the matter, and below it what to do. */
export function renderError({ reason, hint }: Pick<Explanation, 'reason' | 'hint'>): string {
  const said = style('red', reason, process.stderr);
  return hint === null ? said : `${said}\n  → ${hint}`;
}
