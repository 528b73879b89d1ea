/** What a log line says of an activity: ids and counts, never usage. */
export interface ActivityFacts {
  readonly month?: string;
  readonly tenants?: number;
  readonly tenant_ids?: readonly string[];
  readonly request_ids?: readonly string[];
}

/** Ids that a line shows; the rest are counted. */
const SHOWN = 10;

type Fields = Readonly<Record<string, unknown>>;

/** Read from what an activity was given and what it has come to, whichever it is. Pure. */
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

/** What tenants have come to by an activity, counted by outcome. Pure. */
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
    // The parked ones come again, when they are recorded.
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
