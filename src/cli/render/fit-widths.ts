/** What a column of a table has to hold. */
export interface ColumnTexts {
  readonly wrap: boolean;
  /** Its head and its cells. */
  readonly texts: readonly string[];
}

/**
 * How wide each column is to be. Those of words give way, the widest first, down to their longest
 * word; the others are as wide as what they hold, for ids and amounts are to be copied whole.
 * @param gap columns between two of them
 * @returns null where there is no room for that
 */
export function fitWidths(
  columns: readonly ColumnTexts[],
  width: number,
  gap: number,
): readonly number[] | null {
  const widths = columns.map(({ texts }) => longest(texts, /\n/));
  const least = columns.map(({ wrap, texts }, index) =>
    wrap ? longest(texts, /\s/) : (widths[index] ?? 0),
  );
  const room = width - gap * (columns.length - 1);
  if (sum(least) > room) return null;
  while (sum(widths) > room) {
    const [widest = 0] = columns
      .map((_column, index) => index)
      .filter((index) => (widths[index] ?? 0) > (least[index] ?? 0))
      .sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function longest(texts: readonly string[], separator: RegExp): number {
  return Math.max(...texts.flatMap((text) => text.split(separator).map(({ length }) => length)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
