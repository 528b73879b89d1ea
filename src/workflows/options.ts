import { ApplicationFailure } from '@temporalio/workflow';
import { FAILURE } from '../contracts/failures.ts';
import { MAX_TENANTS_PER_CHILD, type MonthEndOptions } from '../contracts/month-end-types.ts';

/** Default, minimum and maximum of each option. */
const RANGES = {
  openForDays: { byDefault: 45, min: 0, max: 3650 },
  tenantsPerChild: { byDefault: 1, min: 1, max: MAX_TENANTS_PER_CHILD },
  // The worker has as many slots for local activities: more children would only queue.
  maxChildren: { byDefault: 20, min: 1, max: 1000 },
  // A page's tenant ids are stored in the history. By default, a page fills the pool of children.
  pageSize: { byDefault: 100, min: 1, max: 1000 },
  // A day at most: after that a draft counts as forgotten (`findForgottenDrafts`).
  tenantTimeoutSeconds: { byDefault: 3600, min: 1, max: 86_400 },
  // By default, the server decides when.
  continueAsNewAfterEvents: { byDefault: Infinity, min: 1, max: 50_000 },
} as const;

export type ResolvedOptions = Required<MonthEndOptions>;

/**
 * The options of a run with defaults filled in. An operator may have typed them into the Web UI.
 * @throws ApplicationFailure `invalid_input` for an unknown option or a bad value. Any other error would make Temporal
 *   retry the workflow task forever.
 */
export function resolveOptions(options: MonthEndOptions | null | undefined): ResolvedOptions {
  const given: Readonly<Record<string, unknown>> = { ...options };
  const problems = Object.keys(given)
    .filter((name) => !Object.hasOwn(RANGES, name))
    .map((name) => `unknown option ${name}`);
  const resolve = (name: keyof typeof RANGES): number => {
    const { byDefault, min, max } = RANGES[name];
    const value = given[name] ?? byDefault;
    if (value === byDefault) return byDefault;
    if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) {
      return Number(value);
    }
    problems.push(`${name} must be a whole number from ${min} to ${max}`);
    return byDefault;
  };
  const tenantsPerChild = resolve('tenantsPerChild');
  const maxChildren = resolve('maxChildren');
  const pageSize = resolve('pageSize');
  const resolved = {
    openForDays: resolve('openForDays'),
    tenantsPerChild,
    maxChildren,
    pageSize: given.pageSize == null ? fillPool(pageSize, tenantsPerChild, maxChildren) : pageSize,
    tenantTimeoutSeconds: resolve('tenantTimeoutSeconds'),
    continueAsNewAfterEvents: resolve('continueAsNewAfterEvents'),
  };
  if (problems.length > 0) throw invalidInput(problems.join('; '));
  return resolved;
}

function fillPool(least: number, tenantsPerChild: number, maxChildren: number): number {
  if (tenantsPerChild === 1) return least;
  return Math.min(Math.max(least, tenantsPerChild * maxChildren), RANGES.pageSize.max);
}

/**
 * A text field of the workflow's input. An operator may have typed the input: it can be missing or anything else.
 * @throws ApplicationFailure `invalid_input`
 */
export function requireText(input: unknown, field: string, example: string): string {
  const value = (input as Readonly<Record<string, unknown>> | null | undefined)?.[field];
  if (typeof value === 'string' && value !== '') return value;
  throw invalidInput(`the input needs "${field}": {"${field}": "${example}"}`);
}

/** The same for a list of texts. */
export function requireTexts(input: unknown, field: string, example: string): readonly string[] {
  const values = (input as Readonly<Record<string, unknown>> | null | undefined)?.[field];
  const isList = Array.isArray(values) && values.length > 0;
  if (isList && values.every((value) => typeof value === 'string' && value !== '')) {
    return values as readonly string[];
  }
  throw invalidInput(`the input needs "${field}": {"${field}": ["${example}"]}`);
}

function invalidInput(reason: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(reason.slice(0, 1000), FAILURE.invalidInput);
}
