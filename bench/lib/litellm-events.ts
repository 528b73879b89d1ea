import { readFileSync } from 'node:fs';
import { seededRandom } from '../../dev/random.ts';
import type { JsonObject } from '../../src/domain/types.ts';
import { EventScanner } from '../../src/ingestion/litellm/event-scanner.ts';
import { LITELLM_FIELDS } from '../../src/ingestion/litellm/litellm-request.ts';
import { toLlmEvent } from '../../src/ingestion/litellm/to-llm-event.ts';
import type { Place } from './usage-events.ts';

/** An event of a real proxy, with all fields: 13 KB. */
const [RECORDED = ''] = readFileSync(
  new URL('../../test/litellm/sample.ndjson', import.meta.url),
  'utf8',
).split('\n', 1);

/** Generates events of LiteLLM for random deployments, each with its own id. */
export interface LitellmEvents {
  /** Returns the next one, as LiteLLM sends it. */
  next(): string;
}

/** @param prefix of the ids, so that no earlier event is sent again */
export function createLitellmEvents(
  places: readonly Place[],
  { seed, prefix, now }: { readonly seed: number; readonly prefix: string; readonly now: Date },
): LitellmEvents {
  const generator = seededRandom(`litellm ${seed}`);
  const below = (end: number) => Math.floor(generator.next() * end);
  let last = 0;
  const replaced = {
    id: '"chatcmpl-65fac700-efa3-479a-9d02-24f6e0a22dc8"',
    call: '"3414cafb-d45b-440a-a8cf-f4e78e2b1ebc"',
    start: '"startTime": 1795959293.297993',
    group: '"model_group": "small", "model_id"',
    cost: '"response_cost": 1.35e-05, "cost_breakdown"',
    auth: '{"arcadia_deployment": "harbour-studio-web", "arcadia_tenant": "harbour-studio"}',
  };
  for (const text of Object.values(replaced)) {
    if (!RECORDED.includes(text)) throw new Error(`the recorded event has no ${text}`);
  }
  return {
    next() {
      const { tenantId, deploymentId } = places[below(places.length)] ?? {
        tenantId: '',
        deploymentId: '',
      };
      const id = `${prefix}-${below(0xffffffff).toString(16)}-${(last += 1)}`;
      const started = (now.getTime() - below(60_000)) / 1000;
      return RECORDED.replace(replaced.id, `"chatcmpl-${id}"`)
        .replace(replaced.call, `"${id}"`)
        .replace(replaced.start, `"startTime": ${started}`)
        .replace(replaced.group, `"model_group": "model-${below(3)}", "model_id"`)
        .replace(replaced.cost, `"response_cost": ${(below(1e6) + 1) / 1e9}, "cost_breakdown"`)
        .replace(
          replaced.auth,
          `{"arcadia_deployment": "${deploymentId}", "arcadia_tenant": "${tenantId}"}`,
        );
    },
  };
}

/** Returns the same event as our own API takes it, under another id. */
export function asOwnEvent(text: string, currency: string, id: string): JsonObject {
  const scanner = new EventScanner(LITELLM_FIELDS);
  const [scanned] = scanner.push(Buffer.from(text));
  const outcome = scanned && toLlmEvent(scanned, currency);
  if (outcome?.kind !== 'event') throw new Error('the event is not usage');
  return { ...outcome.event, gateway_request_id: id };
}
