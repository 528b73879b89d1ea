import type { Attributes } from '@opentelemetry/api';

/** Facts about an activity for logs and traces: ids and counts, never usage. */
export interface ActivityFacts {
  readonly month?: string;
  readonly tenants?: number;
  readonly tenant_ids?: readonly string[];
  readonly request_ids?: readonly string[];
}

/** Maximum number of ids in a log line; `tenants` counts all of them. */
const SHOWN = 10;

type Fields = Readonly<Record<string, unknown>>;

/** Extracts the facts from any activity's input and result. Pure. */
export function activityFacts(input: unknown, result: unknown): ActivityFacts {
  const given = fieldsOf(input);
  const answer = fieldsOf(result);
  const tenantIds = [...texts(given.tenantIds), ...texts(given.tenantId)];
  const requestIds = [
    ...new Set([
      ...texts(given.requestId),
      ...texts(fieldsOf(given.payload).requestId),
      ...texts(answer.requestId),
      ...texts(answer.requestIds),
    ]),
  ];
  const [month] = [...texts(given.month), ...texts(answer.month)];
  return {
    ...(month !== undefined && { month }),
    ...(tenantIds.length > 0 && {
      tenants: tenantIds.length,
      tenant_ids: tenantIds.slice(0, SHOWN),
    }),
    ...(requestIds.length > 0 && { request_ids: requestIds.slice(0, SHOWN) }),
  };
}

/** Returns the facts as attributes of a span. Pure. */
export function factAttributes(facts: ActivityFacts): Attributes {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [`arcadia.${name}`, value as Attributes[string]]),
  );
}

/** Counts the tenants of an activity's result by outcome. Pure. */
export function tenantOutcomes(activity: string, result: unknown): ReadonlyMap<string, number> {
  const answer = fieldsOf(result);
  const outcomes = new Map<string, number>();
  const add = (outcome: unknown, tenants = 1) => {
    if (typeof outcome !== 'string' || tenants === 0) return;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + tenants);
  };
  if (activity === 'planPage' && typeof answer.skipped === 'number') {
    add('skipped', answer.skipped);
  } else if (activity === 'recordParked') {
    add(answer.outcome);
  } else if (activity === 'openDrafts' || activity === 'persistInvoices') {
    // Parked tenants are counted when `recordParked` records them.
    for (const { outcome } of lists(answer.settled ?? answer.results)) {
      if (outcome !== 'parked') add(outcome);
    }
  }
  return outcomes;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function lists(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

function texts(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((text) => typeof text === 'string');
}
