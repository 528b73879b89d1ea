/** A measurement with another one before and after it, so that the machine's drift affects both alike. */
export interface Round<T> {
  readonly measured: T;
  readonly against: readonly [T, T];
}

/** Measures in turn: against, measured, against, measured, … against. */
export async function alternate<T>(
  count: number,
  measureAgainst: () => Promise<T>,
  measure: () => Promise<T>,
): Promise<Round<T>[]> {
  const rounds: Round<T>[] = [];
  let before = await measureAgainst();
  while (rounds.length < count) {
    const measured = await measure();
    const after = await measureAgainst();
    rounds.push({ measured, against: [before, after] });
    before = after;
  }
  return rounds;
}

/** Returns the mean value of the measurements before and after the round's own. */
export function limitOf<T>(
  { against: [before, after] }: Round<T>,
  valueOf: (run: T) => number,
): number {
  return (valueOf(before) + valueOf(after)) / 2;
}
