import { canonicalJson } from './canonical.ts';
import type { QuoteLine } from './types.ts';

/** A line and its position on an invoice. */
export interface PlacedLine extends QuoteLine {
  readonly lineNo: number;
  /** Null on the tax line. */
  readonly deploymentId: string | null;
  /** Null on lines of LLM usage and tax. */
  readonly subscriptionId: string | null;
}

/** How a line of an invoice differs from the line it replaces. */
export type LineChange<Line extends PlacedLine = PlacedLine> =
  | { readonly change: 'added'; readonly before: null; readonly after: Line }
  | { readonly change: 'removed'; readonly before: Line; readonly after: null }
  | { readonly change: 'changed'; readonly before: Line; readonly after: Line };

/**
 * Returns the difference between two revisions of an invoice, line by line; empty if they are
 * equal. Lines are matched by purpose (deployment, kind, resource kind, description), and the n-th
 * of several with the same purpose by its order, because line numbers shift when a line is added or
 * removed.
 * @returns changed and added lines in the order of `after`, then the removed ones
 */
export function compareLines<Line extends PlacedLine>(
  before: readonly Line[],
  after: readonly Line[],
): readonly LineChange<Line>[] {
  const rest = byPurpose(before);
  const changes: LineChange<Line>[] = [];
  for (const [purpose, line] of byPurpose(after)) {
    const old = rest.get(purpose);
    rest.delete(purpose);
    if (!old) changes.push({ change: 'added', before: null, after: line });
    else if (content(old) !== content(line)) {
      changes.push({ change: 'changed', before: old, after: line });
    }
  }
  for (const line of rest.values()) changes.push({ change: 'removed', before: line, after: null });
  return changes;
}

function byPurpose<Line extends PlacedLine>(lines: readonly Line[]): Map<string, Line> {
  const groups = Map.groupBy(lines, ({ deploymentId, kind, resourceKind, description }) =>
    JSON.stringify([deploymentId, kind, resourceKind, description]),
  );
  const place = new Map(
    [...groups].flatMap(([purpose, alike]) =>
      alike.map((line, n) => [line, `${n} ${purpose}`] as const),
    ),
  );
  return new Map(lines.map((line) => [place.get(line) ?? '', line]));
}

/** A line's content, without its number. */
function content({ subscriptionId, qty, unit, unitPriceCents, amountCents, meta }: PlacedLine) {
  return canonicalJson({ subscriptionId, qty, unit, unitPriceCents, amountCents, meta });
}
