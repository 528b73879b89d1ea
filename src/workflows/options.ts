import { ApplicationFailure } from '@temporalio/workflow';
import { FAILURE } from '../contracts/failures.ts';
import { MAX_TENANTS_PER_CHILD, type MonthEndOptions } from '../contracts/month-end.ts';

/** Default, least and most of each option. */
const RANGES = {
  openForDays: { byDefault: 45, min: 0, max: 3650 },
  tenantsPerChild: { byDefault: 1, min: 1, max: MAX_TENANTS_PER_CHILD },
  // As many as the worker has slots for local activities: more would only queue.
  maxChildren: { byDefault: 20, min: 1, max: 1000 },
  // A page's tenants go through the history. By default enough to fill the pool of children.
  pageSize: { byDefault: 100, min: 1, max: 1000 },
  // A day at most: after that a draft counts as forgotten (`findForgottenDrafts`).
  tenantTimeoutSeconds: { byDefault: 3600, min: 1, max: 86_400 },
  // By default when the server suggests it.
  continueAsNewAfterEvents: { byDefault: Infinity, min: 1, max: 50_000 },
} as const;

export type ResolvedOptions = Required<MonthEndOptions>;

/**
 * The options of a run with the defaults filled in. They may have been typed by
 * hand into the Web UI, and workflow code that chokes on one would be retried for
 * ever: so a bad one fails the workflow, with the reason.
 */
export function resolveOptions(options: MonthEndOptions | null | undefined): ResolvedOptions {
  const given: Readonly<Record<string, unknown>> = { ...options };
  const problems = Object.keys(given)
    .filter((name) => !Object.hasOwn(RANGES, name))
    .map((name) => `there is no option ${name}`);
  const resolve = (name: keyof typeof RANGES): number => {
    const { byDefault, min, max } = RANGES[name];
    const value = given[name] ?? byDefault;
    if (value === byDefault) return byDefault;
    if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) {
      return Number(value);
    }
    problems.push(`${name} has to be a whole number from ${min} to ${max}`);
    return byDefault;
  };
  const tenantsPerChild = resolve('tenantsPerChild');
  const maxChildren = resolve('maxChildren');
  const pageSize = resolve('pageSize');
  const resolved = {
    openForDays: resolve('openForDays'),
    tenantsPerChild,
    maxChildren,
    pageSize:
      given.pageSize == null ? toFillThePool(pageSize, tenantsPerChild, maxChildren) : pageSize,
    tenantTimeoutSeconds: resolve('tenantTimeoutSeconds'),
    continueAsNewAfterEvents: resolve('continueAsNewAfterEvents'),
  };
  if (problems.length > 0) throw invalidInput(problems.join('; '));
  return resolved;
}

function toFillThePool(least: number, tenantsPerChild: number, maxChildren: number): number {
  if (tenantsPerChild === 1) return least;
  return Math.min(Math.max(least, tenantsPerChild * maxChildren), RANGES.pageSize.max);
}

/** An input that may be missing, or anything, where it was typed by hand. */
export function requireText(input: unknown, field: string, example: string): string {
  const value = (input as Readonly<Record<string, unknown>> | null | undefined)?.[field];
  if (typeof value === 'string' && value !== '') return value;
  throw invalidInput(`the input has to name the ${field}: {"${field}": "${example}"}`);
}

/** The same for several. */
export function requireTexts(input: unknown, field: string, example: string): readonly string[] {
  const values = (input as Readonly<Record<string, unknown>> | null | undefined)?.[field];
  const isList = Array.isArray(values) && values.length > 0;
  if (isList && values.every((value) => typeof value === 'string' && value !== '')) {
    return values as readonly string[];
  }
  throw invalidInput(`the input has to name the ${field}: {"${field}": ["${example}"]}`);
}

function invalidInput(reason: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(reason.slice(0, 1000), FAILURE.invalidInput);
}
