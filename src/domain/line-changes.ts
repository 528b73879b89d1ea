import { canonicalJson } from './canonical.ts';
import type { QuoteLine } from './types.ts';

/** A line and its position on an invoice. */
export interface PlacedLine extends QuoteLine {
  readonly lineNo: number;
  /** Null on lines of invoice items and tax. */
  readonly deploymentId: string | null;
  /** Null on lines of LLM usage, invoice items and tax. */
  readonly subscriptionId: string | null;
  /** Only on lines of invoice items. */
  readonly itemId: string | null;
  /** Whether the amount is taxed. Only invoice items, and credits on them, can be untaxed. */
  readonly taxable: boolean;
}

/** A line before it is numbered. It is taxable and has no invoice item unless it says so. */
export type UnplacedLine = Omit<PlacedLine, 'lineNo' | 'itemId' | 'taxable'> &
  Partial<Pick<PlacedLine, 'itemId' | 'taxable'>>;

/** How a line of an invoice differs from the line it replaces. */
export type LineChange<Line extends PlacedLine = PlacedLine> =
  | { readonly change: 'added'; readonly before: null; readonly after: Line }
  | { readonly change: 'removed'; readonly before: Line; readonly after: null }
  | { readonly change: 'changed'; readonly before: Line; readonly after: Line };

/**
 * Returns the difference between two revisions of an invoice, line by line; empty if they are
 * equal. `pairLines` says which lines belong together.
 * @returns changed and added lines in the order of `after`, then the removed ones
 */
export function compareLines<Line extends PlacedLine>(
  before: readonly Line[],
  after: readonly Line[],
): readonly LineChange<Line>[] {
  const pairs = pairLines(before, after);
  const kept = new Set(pairs.values());
  return [
    ...after.flatMap((line): LineChange<Line> | [] => {
      const old = pairs.get(line);
      if (!old) return { change: 'added', before: null, after: line };
      if (content(old) === content(line)) return [];
      return { change: 'changed', before: old, after: line };
    }),
    ...before
      .filter((line) => !kept.has(line))
      .map((line) => ({ change: 'removed', before: line, after: null }) as const),
  ];
}

/** What a line is for, whatever it charges. */
type Purpose = Pick<
  UnplacedLine,
  'deploymentId' | 'subscriptionId' | 'itemId' | 'kind' | 'resourceKind' | 'description'
>;

/**
 * Returns which line of `before` each line of `after` continues. Lines are matched by purpose (deployment, kind,
 * resource kind, description, invoice item), because line numbers shift when a line is added or removed. Of several lines with the
 * same purpose, those of the same subscription belong together, so that an added subscription is not shown as a change
 * of those after it; the rest are matched in their order.
 */
export function pairLines<Line extends Purpose>(
  before: readonly Line[],
  after: readonly Line[],
): ReadonlyMap<Line, Line> {
  const pairs = new Map<Line, Line>();
  for (const purpose of [purposeOfSubscription, purposeOf]) {
    const paired = new Set(pairs.values());
    const rest = Map.groupBy(
      before.filter((line) => !paired.has(line)),
      purpose,
    );
    for (const line of after) {
      const old = pairs.has(line) ? undefined : rest.get(purpose(line))?.shift();
      if (old) pairs.set(line, old);
    }
  }
  return pairs;
}

/** Returns the key of a line's purpose. */
export function purposeOf(line: Purpose): string {
  const { deploymentId, kind, resourceKind, description, itemId = null } = line;
  return JSON.stringify([deploymentId, kind, resourceKind, description, itemId]);
}

/** Returns the key of a line's purpose and subscription. */
export function purposeOfSubscription(line: Purpose): string {
  return JSON.stringify([line.subscriptionId, purposeOf(line)]);
}

/** A line's content, without its number. */
function content({ subscriptionId, qty, unit, unitPriceCents, amountCents, meta }: PlacedLine) {
  return canonicalJson({ subscriptionId, qty, unit, unitPriceCents, amountCents, meta });
}
