/** Mebibytes of bytes; not rounded. */
export function toMebibytes(bytes: number): number {
  return bytes / 2 ** 20;
}

/** Temporal warns of a history of so many events. */
export const WARNED_OF_EVENTS = 10_240;
