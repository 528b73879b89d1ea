/** Converts bytes to mebibytes, not rounded. */
export function toMebibytes(bytes: number): number {
  return bytes / 2 ** 20;
}

/** Number of history events at which Temporal warns. */
export const WARNED_OF_EVENTS = 10_240;
