import { constants } from 'node:os';
import { printErrorLine } from '../lib/terminal.ts';
import { visible } from '../lib/visible-text.ts';
import { errorToJson } from './explain-error.ts';
import { wantsJson } from './output.ts';

/** What is to be said, or done, when somebody presses Ctrl-C; the innermost work last. */
const tellers: (() => string | null)[] = [];

/**
 * Has something said where the work is interrupted: what is done by then, and what to do about the rest.
 * @param tell a sentence; null: nothing
 */
export async function whileInterruptible<T>(
  tell: () => string | null,
  work: () => Promise<T>,
): Promise<T> {
  tellers.push(tell);
  try {
    return await work();
  } finally {
    tellers.splice(tellers.indexOf(tell), 1);
  }
}

/**
 * Ends the process when it is asked to, with the exit code that a shell expects. Nothing is waited for:
 * what is written in a transaction is written as a whole or not at all.
 */
export function listenForInterruption(): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      const sentences = tellers.flatMap((tell) => tell() ?? []);
      printErrorLine(renderInterruption(sentences, wantsJson()));
      process.exit(128 + constants.signals[name]);
    });
  }
}

/** @param sentences what is done, and what to do about the rest */
export function renderInterruption(sentences: readonly string[], asJson: boolean): string {
  const said = sentences.join(' ');
  if (!asJson) return visible(['Interrupted.', ...sentences].join(' '));
  const hint = said === '' ? null : said;
  return errorToJson({ error: 'interrupted', reason: 'Interrupted', list: [], hint });
}
