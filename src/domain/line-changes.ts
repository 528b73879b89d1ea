import { canonicalJson } from './canonical.ts';
import type { QuoteLine } from './types.ts';

/** A line at its place on an invoice. */
export interface PlacedLine extends QuoteLine {
  readonly lineNo: number;
  /** Null on the tax line. */
  readonly deploymentId: string | null;
  /** Null on lines of LLM usage and tax. */
  readonly subscriptionId: string | null;
}

/** How one line of an invoice differs from the one that it replaces. */
export type LineChange<Line extends PlacedLine = PlacedLine> =
  | { readonly change: 'added'; readonly before: null; readonly after: Line }
  | { readonly change: 'removed'; readonly before: Line; readonly after: null }
  | { readonly change: 'changed'; readonly before: Line; readonly after: Line };

/**
 * The difference between two revisions of an invoice, line by line; empty where they say the same.
 * A line is known by what it is for (deployment, kind, resource kind, description), and the n-th
 * of several alike is compared with the n-th: line numbers shift when a line comes or goes.
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

/** All that a line says but its number. */
function content({ subscriptionId, qty, unit, unitPriceCents, amountCents, meta }: PlacedLine) {
  return canonicalJson({ subscriptionId, qty, unit, unitPriceCents, amountCents, meta });
}
