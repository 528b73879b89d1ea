import type { Attributes } from '@opentelemetry/api';
import type { ActivityFacts } from '../activity-facts.ts';

/** Of whom and which month a span is; ids and counts, as log lines have them. Pure. */
export function factAttributes(facts: ActivityFacts): Attributes {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [`arcadia.${name}`, value as Attributes[string]]),
  );
}
