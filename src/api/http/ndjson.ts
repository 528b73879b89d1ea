/** JSON objects, one a line. */
export const NDJSON = 'application/x-ndjson';

/** An object as a line. */
export function toLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
