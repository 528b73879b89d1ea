import { toBilledRequest } from '../../ingestion/litellm/billed-request.ts';
import { EventScanner } from '../../ingestion/litellm/event-scanner.ts';
import { LITELLM_FIELDS } from '../../ingestion/litellm/litellm-request.ts';
import { toLlmEvent } from '../../ingestion/litellm/to-llm-event.ts';
import type { ReadEvent } from './reconcile.ts';

/**
 * Returns a function that reads events as the API does.
 * @param currency of LiteLLM's costs
 * @param freeModels as `LITELLM_FREE_MODELS` of the API names them
 */
export function readEventOf(currency: string, freeModels: readonly string[]): ReadEvent {
  return (event) => {
    const scanner = new EventScanner(LITELLM_FIELDS);
    const [scanned] = [...scanner.push(Buffer.from(event)), ...scanner.end()];
    if (scanned === undefined) return { kind: 'unreadable', reason: 'it is empty' };
    const outcome = toLlmEvent(scanned, currency, freeModels);
    switch (outcome.kind) {
      case 'counted':
        return { kind: 'free', why: outcome.why };
      case 'event':
        return { kind: 'billed', request: toBilledRequest(outcome.event) };
      case 'held': {
        const { reason, detail, fields } = outcome.held;
        // The API holds it, with these fields, and perhaps without all of them.
        if (reason === 'malformed') return { kind: 'unreadable', reason: detail };
        if (reason === 'unpriced_model') return { kind: 'free', why: reason };
        return { kind: 'billed', request: toBilledRequest(fields) };
      }
    }
  };
}
