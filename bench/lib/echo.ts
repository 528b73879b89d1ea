import type { Ingestion } from '../../src/ingestion/ingestion.ts';
import { LLM_USAGE } from '../../src/ingestion/llm-event.ts';
import { METERED_USAGE } from '../../src/ingestion/metered-record.ts';
import { parseEvent } from '../../src/ingestion/check-event.ts';
import { ACCEPTED } from '../../src/ingestion/results.ts';
import type { Metrics } from '../../src/observability/metrics/api-metrics.ts';

/**
 * An ingestion that stores nothing: it validates each event by its schema, as the real one does,
 * and answers `accepted`. The extra time of the real one is the cost of the ledger.
 */
export function createEcho(metrics: Metrics): Ingestion {
  const schemas = { llm: LLM_USAGE.schema, metered: METERED_USAGE.schema };
  return {
    ingest(source, events) {
      const results = events.map((event) => {
        const parsed = parseEvent<unknown>(schemas[source], event);
        return parsed.ok ? ACCEPTED : parsed.result;
      });
      metrics.usageEvents(source, 'accepted', results.length);
      return Promise.resolve(results);
    },
    depth: () => 0,
    close: () => Promise.resolve(),
  };
}
