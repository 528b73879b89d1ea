import { wantsJson } from './wanted.ts';

/**
 * Says something beside the result, on standard error; with `--json` as a line `{"note": "…"}`, so that
 * a program can tell it from an error.
 */
export function note(message: string): void {
  console.error(wantsJson() ? JSON.stringify({ note: message }) : message);
}
