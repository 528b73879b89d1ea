import type { PickedObject } from './object-picker.ts';
import { toWantedNames } from './wanted-names.ts';

/**
 * The fields of an event of LiteLLM's `generic_api` callback (its StandardLoggingPayload) that billing needs. Nothing
 * else is read: the rest has e-mail addresses, IP addresses, headers and perhaps prompts.
 */
export interface LitellmRequest {
  /** The provider's id of the answer; LiteLLM's call id if it gave none. */
  readonly id: string | null;
  /** Chosen by LiteLLM, or by the client. */
  readonly callId: string | null;
  readonly isFailure: boolean;
  readonly isCacheHit: boolean;
  /** JSON text: seconds since 1970, with a fraction. */
  readonly startTime: string | null;
  /** JSON text: in the currency of LiteLLM's price list. */
  readonly cost: string | null;
  /** As the client named it. */
  readonly modelGroup: string | null;
  readonly model: string | null;
  readonly totalTokens: number | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly keyAlias: string | null;
  readonly teamId: string | null;
  readonly userId: string | null;
  readonly projectId: string | null;
  /** From the metadata of the key and its team, which clients can't change. */
  readonly tenantId: string | null;
  readonly deploymentId: string | null;
}

/** The fields that are picked from an event. What LiteLLM knows of a model, 8 KB, is in each event of the model. */
export const LITELLM_FIELDS = toWantedNames({
  id: true,
  litellm_call_id: true,
  status: true,
  cache_hit: true,
  startTime: true,
  model: true,
  model_group: true,
  response_cost: true,
  total_tokens: true,
  prompt_tokens: true,
  completion_tokens: true,
  model_map_information: 'repeated',
  metadata: {
    user_api_key_alias: true,
    user_api_key_team_id: true,
    user_api_key_user_id: true,
    user_api_key_project_id: true,
    user_api_key_auth_metadata: { arcadia_tenant: true, arcadia_deployment: true },
  },
});

/** Reads the fields that were picked from an event. One of another type counts as missing. */
export function readLitellmRequest({ fields }: Pick<PickedObject, 'fields'>): LitellmRequest {
  const textAt = (path: string) => toText(fields.get(path));
  const countAt = (path: string) => toCount(fields.get(path));
  const presentAt = (path: string) => toPresent(fields.get(path));
  return {
    id: textAt('id'),
    callId: textAt('litellm_call_id'),
    isFailure: fields.get('status') === '"failure"',
    isCacheHit: fields.get('cache_hit') === 'true',
    startTime: presentAt('startTime'),
    cost: presentAt('response_cost'),
    modelGroup: textAt('model_group'),
    model: textAt('model'),
    totalTokens: countAt('total_tokens'),
    promptTokens: countAt('prompt_tokens'),
    completionTokens: countAt('completion_tokens'),
    keyAlias: textAt('metadata.user_api_key_alias'),
    teamId: textAt('metadata.user_api_key_team_id'),
    userId: textAt('metadata.user_api_key_user_id'),
    projectId: textAt('metadata.user_api_key_project_id'),
    tenantId: toId(fields.get('metadata.user_api_key_auth_metadata.arcadia_tenant')),
    deploymentId: toId(fields.get('metadata.user_api_key_auth_metadata.arcadia_deployment')),
  };
}

/** Returns the string of a JSON text; null for another value, and for an empty string, which LiteLLM writes for none. */
function toText(json: string | undefined): string | null {
  if (json === undefined || json === '""' || !json.startsWith('"')) return null;
  if (!json.includes('\\')) return json.slice(1, -1);
  try {
    return JSON.parse(json) as string;
  } catch {
    return null;
  }
}

/** The same, but what isn't a string stays as it is: the team must not pay instead of a tenant that was misspelt. */
function toId(json: string | undefined): string | null {
  return json?.startsWith('"') ? toText(json) : toPresent(json);
}

function toCount(json: string | undefined): number | null {
  if (json === undefined || !/^\d{1,16}$/.test(json)) return null;
  const count = Number(json);
  return Number.isSafeInteger(count) ? count : null;
}

function toPresent(json: string | undefined): string | null {
  return json === undefined || json === 'null' ? null : json;
}
