import { constants } from 'node:os';
import { printErrorLine } from '../lib/terminal.ts';
import { visible } from '../lib/visible-text.ts';
import { wantsJson } from './output.ts';

/** Called on Ctrl-C, outermost work first: each cleans up and returns a message. */
const tellers: (() => string | null)[] = [];

/**
 * Runs `work`; if the process is interrupted during it, the message of `tell` is printed.
 * @param tell returns what has been done and how to continue, or null
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
 * Ends the process on SIGINT and SIGTERM, with the exit code that a shell expects. It does not wait for running work:
 * a transaction is written completely or not at all.
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

/** @param sentences what has been done and how to continue */
export function renderInterruption(sentences: readonly string[], asJson: boolean): string {
  const said = sentences.join(' ');
  if (!asJson) return visible(['Interrupted.', ...sentences].join(' '));
  const hint = said === '' ? null : said;
  return JSON.stringify({ error: 'interrupted', reason: 'Interrupted', hint });
}
