import { sayOf } from '../lib/explain-issue.ts';

/**
 * An input that can't be applied; nothing was. It lists every problem, so that one round of corrections is
 * enough.
 */
export class ApplyError extends Error {
  override readonly name = 'ApplyError';
  readonly problems: readonly Problem[];
  /** The message without its problems. */
  readonly heading: string;

  /** @param name the input in messages: the name of its file */
  constructor(name: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'an error' : `${problems.length} errors`;
    const lines = problems.map((problem) => `  ${formatProblem(problem)}`);
    const heading = `${name} has ${count}, nothing was applied:`;
    super([heading, ...lines].join('\n'));
    this.heading = heading;
    this.problems = problems;
  }
}

/** A message about one place in the input. */
export interface Remark {
  /** From the root, as zod has it: `['plans', 0, 'code']`. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** A problem at one place in the input. */
export interface Problem extends Remark {
  /**
   * `conflict`: the input conflicts with stored data. `invalid`: it is wrong in itself, or names something
   * that doesn't exist.
   */
  readonly kind: 'invalid' | 'conflict';
}

/** `plans[0].code: what is wrong`. */
export function formatProblem({ path, message }: Remark): string {
  return sayOf(formatPath(path), message);
}

/** `['plans', 0, 'code']` → `plans[0].code`: a path as people write it. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}

/** The path of the subscription in an input of a single one. */
export const SUBSCRIPTION_PATH = ['tenants', 0, 'deployments', 0, 'subscriptions', 0] as const;

/** Returns the error for a request that conflicts with the stored subscription. */
export function conflictAt(path: readonly PropertyKey[], message: string): ApplyError {
  return new ApplyError('the subscription', [
    { path: [...SUBSCRIPTION_PATH, ...path], kind: 'conflict', message },
  ]);
}
