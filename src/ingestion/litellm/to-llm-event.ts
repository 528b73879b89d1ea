import { externalId, visibleId } from '../../contracts/text.ts';
import type { JsonObject } from '../../domain/types.ts';
import { digestOf, type HeldEvent } from '../quarantine/hold.ts';
import type { ScannedEvent } from './event-scanner.ts';
import { parseExactNumber, type ExactNumber } from './exact-number.ts';
import { litellmId } from './litellm-id.ts';
import { toChargeCents, toStarted, type Charge } from './litellm-numbers.ts';
import { readLitellmRequest, type LitellmRequest } from './litellm-request.ts';

/** Why a request that cost nothing is only counted. */
export const COUNTED = ['failures', 'cache_hits', 'no_cost', 'free_models'] as const;
export type Counted = (typeof COUNTED)[number];

/** What an event of LiteLLM becomes. */
export type LitellmOutcome =
  /** To be ingested: the JSON of an `LlmUsageEvent`. */
  | { readonly kind: 'event'; readonly event: JsonObject }
  | { readonly kind: 'counted'; readonly why: Counted }
  | { readonly kind: 'held'; readonly held: HeldEvent };

type Refusal = Pick<HeldEvent, 'reason' | 'detail'>;

/**
 * Converts an event of LiteLLM's callback (docs/spec.md#litellm). The cost decides: an event with a cost is usage, also
 * if the request failed; one without is counted, unless its model has no price.
 * @param currency of LiteLLM's costs
 * @param freeModels models without a price: names, or the beginning of names and `*`
 */
export function toLlmEvent(
  scanned: ScannedEvent,
  currency: string,
  freeModels: readonly string[] = [],
): LitellmOutcome {
  const request = readLitellmRequest(scanned);
  const cost = request.cost === null ? null : parseExactNumber(request.cost);
  const flaw = scanned.flaw ?? flawOfCost(request, cost, scanned);
  const isFree = cost === null || cost.digits === 0n;
  const why = flaw === null && isFree ? whyFree(request, freeModels) : null;
  if (why !== null) return { kind: 'counted', why };

  const free = flaw === null && isFree ? NOTHING : null;
  const fields = toFields(request, free ?? chargeOf(cost, currency), currency);
  const refusal = flaw === null ? refusalOf(request, fields, isFree) : malformed(flaw);
  if (refusal === null) return { kind: 'event', event: fields };
  const { gateway_request_id: id } = fields;
  const sourceId = typeof id === 'string' ? id : digestOfScanned(scanned);
  return { kind: 'held', held: { sourceId, ...refusal, fields } };
}

function flawOfCost(
  request: LitellmRequest,
  cost: ExactNumber | null,
  { fields }: ScannedEvent,
): string | null {
  if (!fields.has('response_cost')) return 'it has no response_cost';
  if (request.cost === null) return null;
  if (cost === null) return `response_cost is ${shown(request.cost)}, which is not a number`;
  return isNegative(cost) ? `response_cost is ${shown(request.cost)}, which is below 0` : null;
}

/** Returns why a request without a cost is only counted; null if its model should have had a price. */
function whyFree(request: LitellmRequest, freeModels: readonly string[]): Counted | null {
  if (request.isFailure) return 'failures';
  if (request.isCacheHit) return 'cache_hits';
  const { totalTokens, promptTokens, completionTokens } = request;
  const tokens = Math.max(totalTokens ?? 0, promptTokens ?? 0, completionTokens ?? 0);
  if (tokens === 0) return 'no_cost';
  const model = modelOf(request);
  const isFreeModel = freeModels.some((name) =>
    name.endsWith('*') ? model?.startsWith(name.slice(0, -1)) : model === name,
  );
  return isFreeModel ? 'free_models' : null;
}

function unpriced(request: LitellmRequest): Refusal {
  const model = (modelOf(request) ?? '(no name)').slice(0, 200);
  const detail = `LiteLLM has no price for model ${model}: a success that used tokens cost ${request.cost ?? 'null'}`;
  return { reason: 'unpriced_model', detail };
}

function malformed(detail: string): Refusal {
  return { reason: 'malformed', detail };
}

/** Returns why an event can't be ingested; null if it can be tried. */
function refusalOf(request: LitellmRequest, fields: JsonObject, isFree: boolean): Refusal | null {
  if (isFree) return unpriced(request);
  if (request.id === null && request.callId === null) {
    return malformed('it has neither id nor litellm_call_id');
  }
  if (fields.occurred_at === undefined) {
    return malformed(`startTime is ${shown(request.startTime)}; expected seconds since 1970`);
  }
  if (fields.charge_cents === undefined) {
    return malformed(`response_cost is ${shown(request.cost)}, which is too large to be billed`);
  }
  if (fields.model === undefined) return malformed('it has neither model_group nor model');
  if (!externalId.safeParse(fields.tenant_id).success) {
    return { reason: 'unknown_tenant', detail: sayPayer('tenant', payerOf(request).tenantId) };
  }
  if (!externalId.safeParse(fields.deployment_id).success) {
    const { deploymentId } = payerOf(request);
    return { reason: 'unknown_deployment', detail: sayPayer('deployment', deploymentId) };
  }
  return null;
}

/** The fields of an `LlmUsageEvent`, as far as they can be read. */
function toFields(request: LitellmRequest, charged: Charge | null, currency: string): JsonObject {
  const { startTime, promptTokens, completionTokens } = request;
  const id = litellmId(request);
  const started = startTime === null ? null : toStarted(startTime);
  const model = modelOf(request);
  const { tenantId, deploymentId } = payerOf(request);
  const attributes = attributesOf(request, charged?.isRounded ?? false);
  return {
    ...(id !== null && { gateway_request_id: id }),
    ...(tenantId !== null && { tenant_id: tenantId }),
    ...(deploymentId !== null && { deployment_id: deploymentId }),
    ...(model !== null && { model }),
    ...(started !== null && { occurred_at: started.instant }),
    ...(charged !== null && { charge_cents: charged.charge }),
    currency,
    ...(promptTokens !== null && { input_tokens: promptTokens }),
    ...(completionTokens !== null && { output_tokens: completionTokens }),
    ...(attributes !== null && { attributes }),
  };
}

/** What a request without a price is charged if it is released. */
const NOTHING: Charge = { charge: '0', isRounded: false };

function chargeOf(cost: ExactNumber | null, currency: string): Charge | null {
  return cost === null || isNegative(cost) ? null : toChargeCents(cost, currency);
}

function isNegative(cost: ExactNumber): boolean {
  return cost.isNegative && cost.digits > 0n;
}

/** Returns tenant and deployment: from the metadata of the key, or else its team and its own alias. */
function payerOf({ tenantId, teamId, deploymentId, keyAlias }: LitellmRequest) {
  return { tenantId: tenantId ?? teamId, deploymentId: deploymentId ?? keyAlias };
}

function sayPayer(what: 'tenant' | 'deployment', id: string | null): string {
  if (id !== null) return `${JSON.stringify(id.slice(0, 100))} can't be the id of a ${what}`;
  return what === 'tenant'
    ? 'the key has neither arcadia_tenant in its metadata nor a team'
    : 'the key has neither arcadia_deployment in its metadata nor an alias';
}

function modelOf({ modelGroup, model }: LitellmRequest): string | null {
  return modelGroup ?? model;
}

const attribute = visibleId(200);

/**
 * The attributes of an event, null without any. One that the ledger doesn't take is left out, because it must not cost
 * the event. The cost as LiteLLM wrote it is kept where the charge is rounded.
 */
function attributesOf(
  { keyAlias, userId, projectId, cost }: LitellmRequest,
  isRounded: boolean,
): Readonly<Record<string, string>> | null {
  const attributes: Record<string, string> = {};
  const add = (name: string, value: string | null): void => {
    if (value !== null && attribute.safeParse(value).success) attributes[name] = value;
  };
  add('cost', isRounded ? cost : null);
  add('key', keyAlias);
  add('project', projectId);
  add('user', userId);
  return Object.keys(attributes).length === 0 ? null : attributes;
}

/** An id for an event that has none: of what was picked from it, which is the same when it is sent again. */
function digestOfScanned({ fields, flaw, text, bytes }: ScannedEvent): string {
  return digestOf(JSON.stringify([[...fields], flaw, text, bytes]));
}

function shown(json: string | null): string {
  return json === null ? 'missing' : json.slice(0, 100);
}
