import { sayOf } from '../lib/explain-issue.ts';

/**
 * An input that can't be applied; nothing was changed. It lists every problem, so that one round of corrections
 * is enough.
 */
export class ApplyError extends Error {
  override readonly name = 'ApplyError';
  readonly problems: readonly Problem[];
  /** The message without its problems. */
  readonly heading: string;

  /** @param name the name of the input in messages, such as its file name */
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
  /** The path from the root, in zod's format: `['plans', 0, 'code']`. */
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

/** Returns `plans[0].code: message`. */
export function formatProblem({ path, message }: Remark): string {
  return sayOf(formatPath(path), message);
}

/** Returns a path in readable form: `['plans', 0, 'code']` → `plans[0].code`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}

/** The path of the subscription in an input that has only one. */
export const SUBSCRIPTION_PATH = ['tenants', 0, 'deployments', 0, 'subscriptions', 0] as const;

/** Returns the error for a request that conflicts with the stored subscription. */
export function conflictAt(path: readonly PropertyKey[], message: string): ApplyError {
  return new ApplyError('the subscription', [
    { path: [...SUBSCRIPTION_PATH, ...path], kind: 'conflict', message },
  ]);
}
