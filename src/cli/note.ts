import { printErrorLine } from '../lib/terminal.ts';
import { visible } from '../lib/visible-text.ts';
import { wantsJson } from './wanted.ts';

/**
 * Says something beside the result, on standard error; with `--json` as a line `{"note": "…"}`, so that
 * a program can tell it from an error.
 * @param list more of it, a line each
 */
export function note(message: string, list: readonly string[] = []): void {
  const lines = [message, ...list.map((line) => `  ${line}`)];
  printErrorLine(
    wantsJson() ? JSON.stringify({ note: lines.join('\n') }) : lines.map(visible).join('\n'),
  );
}
