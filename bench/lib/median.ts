/** Returns the middle value, or the mean of the middle two. @throws Error for an empty list */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new Error('there is no median of nothing');
  return (lower + upper) / 2;
}

/** Returns the item with the median value; for an even number, the lower of the middle two. @throws Error for an empty list */
export function byMedian<T>(items: readonly T[], valueOf: (item: T) => number): T {
  const sorted = items.toSorted((a, b) => valueOf(a) - valueOf(b));
  const middle = sorted[Math.ceil(sorted.length / 2) - 1];
  if (middle === undefined) throw new Error('there is no median of nothing');
  return middle;
}

/** Describes the spread of the rounds' ratios, for a figure's note. */
export function describeRange(ratios: readonly number[]): string {
  const [least, greatest] = [Math.min(...ratios), Math.max(...ratios)];
  return `${ratios.length} rounds, ${least.toFixed(2)} to ${greatest.toFixed(2)}`;
}
