import type { MonthEndOptions } from '../contracts/month-end.ts';

const DEFAULTS: Required<Omit<MonthEndOptions, 'continueAsNewAfterEvents'>> = {
  openForDays: 45,
  // As many as the worker has slots for local activities: more would only queue.
  maxChildren: 20,
  pageSize: 100,
  tenantTimeoutSeconds: 3600,
};

/** The options of a run with the defaults filled in. */
export function withDefaults(options: MonthEndOptions = {}) {
  return { ...DEFAULTS, continueAsNewAfterEvents: Infinity, ...options };
}

export type ResolvedOptions = ReturnType<typeof withDefaults>;
