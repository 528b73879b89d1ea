/**
 * A file that can't be applied. It carries everything that is wrong with it, so that one round of
 * corrections will do; nothing of it was applied.
 */
export class FeedError extends Error {
  override readonly name = 'FeedError';
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`;
    super(`${file} has ${count}, nothing was applied:\n${problems.map(toLine).join('\n')}`);
    this.problems = problems;
  }
}

/** What is wrong in one place of a file. */
export interface Problem {
  /** `plans[0].versions[1].currency`, or `line 3, column 7`. */
  readonly at: string;
  readonly message: string;
}

function toLine({ at, message }: Problem): string {
  return at === '' ? `  ${message}` : `  ${at}: ${message}`;
}
