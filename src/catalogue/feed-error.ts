import { sayOf } from '../lib/explain-issue.ts';
import { formatPath } from './path.ts';

/**
 * A feed that can't be applied. It carries everything that is wrong with it, so that one round of
 * corrections will do; nothing of it was applied.
 */
export class FeedError extends Error {
  override readonly name = 'FeedError';
  readonly problems: readonly Problem[];
  /** The message without its problems. */
  readonly heading: string;

  /** @param name what to call the feed: its file's name */
  constructor(name: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`;
    const lines = problems.map((problem) => `  ${formatProblem(problem)}`);
    const heading = `${name} has ${count}, nothing was applied:`;
    super([heading, ...lines].join('\n'));
    this.heading = heading;
    this.problems = problems;
  }
}

/** Something to be said of one place of a feed. */
export interface Remark {
  /** From the whole to the place, as zod has it: `['plans', 0, 'code']`. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What is wrong in one place of a feed. */
export interface Problem extends Remark {
  /**
   * `conflict`: with what is stored; the same feed would do elsewhere. `invalid`: by itself, or
   * because it names what isn't there.
   */
  readonly kind: 'invalid' | 'conflict';
}

/** `plans[0].code: what is wrong`. */
export function formatProblem({ path, message }: Remark): string {
  return sayOf(formatPath(path), message);
}
