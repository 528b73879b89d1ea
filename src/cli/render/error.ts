import { visible } from '../../lib/visible-text.ts';
import type { Explanation } from '../explain-error.ts';
import { styleError } from './style.ts';

/** What is the matter, below it what belongs to it, and what to do. */
export function renderError({ reason, list, hint }: Omit<Explanation, 'error'>): string {
  return [
    styleError('red', visible(reason)),
    ...list.map((line) => `  ${visible(line)}`),
    ...(hint === null ? [] : [`  → ${visible(hint)}`]),
  ].join('\n');
}

/** The same as a line of JSON. */
export function errorToJson({ error, reason, list, hint }: Explanation): string {
  return JSON.stringify({
    error,
    reason: [reason, ...list.map((line) => `  ${line}`)].join('\n'),
    hint,
  });
}
