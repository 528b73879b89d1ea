import { z } from 'zod';

/** The metadata of a LiteLLM key, with that of its team: what the callback calls `user_api_key_auth_metadata`. */
export type KeyMetadata = Readonly<Record<string, unknown>>;

/**
 * Finds the metadata of a row's key.
 * @throws SpendLogError if an export lacks a part of it
 */
export type FindKeyMetadata = (row: SpendLogRow) => KeyMetadata;

const optionalText = z.string().nullish();
const rowMetadata = z.looseObject({
  user_api_key_alias: optionalText,
  user_api_key_team_id: optionalText,
  user_api_key_project_id: optionalText,
  litellm_call_id: optionalText,
  status: optionalText,
});

/** The fields of a row of LiteLLM's `/spend/logs/v2` that billing needs. */
const spendLogRow = z.looseObject({
  request_id: z.string().min(1),
  litellm_call_id: optionalText,
  api_key: optionalText,
  /** Kept as written: see `parseKeepingCosts`. */
  spend: z.unknown(),
  startTime: z.string(),
  model: optionalText,
  model_group: optionalText,
  status: optionalText,
  cache_hit: z.union([z.string(), z.boolean()]).nullish(),
  prompt_tokens: z.int().nullish(),
  completion_tokens: z.int().nullish(),
  total_tokens: z.int().nullish(),
  team_id: optionalText,
  user: optionalText,
  // Databases return JSON columns as text.
  metadata: z
    .preprocess((value) => (typeof value === 'string' ? parseObject(value) : value), rowMetadata)
    .nullish(),
});
export type SpendLogRow = z.infer<typeof spendLogRow>;

/** A row of LiteLLM's log doesn't identify its request, or can't be read. */
export class SpendLogError extends Error {
  override readonly name = 'SpendLogError';
}

/** Added by LiteLLM to the id of a request whose cost is only known later; the callback's id has none. */
const COST_ROW = /_(?:batch|background)_cost$/;

/**
 * Converts a row of LiteLLM's spend log to the event that its callback sends about the same request, as JSON text. An
 * event of the callback stays as it is. The cost keeps the digits that the export has.
 * @throws SpendLogError
 */
export function toCallbackEvent(value: unknown, findMetadata: FindKeyMetadata): string {
  if (isCallbackEvent(value)) return JSON.stringify(value);
  const { success, data: row, error } = spendLogRow.safeParse(value);
  if (!success) {
    const [issue] = error.issues;
    throw new SpendLogError(
      `not a row of LiteLLM's spend log: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    );
  }
  const { metadata } = row;
  const callId = row.litellm_call_id ?? metadata?.litellm_call_id;
  if (!callId) throw new SpendLogError('the row has no litellm_call_id: LiteLLM is too old');
  return JSON.stringify({
    id: row.request_id.replace(COST_ROW, ''),
    litellm_call_id: callId,
    status: row.status ?? metadata?.status ?? 'success',
    cache_hit: String(row.cache_hit).toLowerCase() === 'true',
    startTime: rawJson(toEpochSeconds(row.startTime)),
    model: row.model,
    model_group: row.model_group,
    response_cost: row.spend,
    total_tokens: row.total_tokens,
    prompt_tokens: row.prompt_tokens,
    completion_tokens: row.completion_tokens,
    metadata: {
      user_api_key_alias: aliasOf(row),
      user_api_key_team_id: teamOf(row),
      user_api_key_user_id: given(row.user),
      user_api_key_project_id: metadata?.user_api_key_project_id,
      user_api_key_auth_metadata: findMetadata(row),
    },
  });
}

/** Returns the team of a row's key; null if it has none. */
export function teamOf({ team_id, metadata }: SpendLogRow): string | null {
  return given(team_id) ?? given(metadata?.user_api_key_team_id);
}

/** Returns the alias of a row's key; null if it has none. */
export function aliasOf({ metadata }: SpendLogRow): string | null {
  return given(metadata?.user_api_key_alias);
}

/** LiteLLM writes an empty string for none. */
function given(text: string | null | undefined): string | null {
  return text === '' ? null : (text ?? null);
}

/** Whether it is an event of the callback, such as a proxy's own copy of what it sent. */
function isCallbackEvent(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'response_cost' in value && !('spend' in value)
  );
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const STARTED = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:?\d{2})?$/;

/** `2026-11-30T09:21:07.123+00:00` → `1795944067.123`. Without an offset it is UTC, as LiteLLM stores it. */
function toEpochSeconds(startTime: string): string {
  const [, date, time, fraction = '', offset = 'Z'] = STARTED.exec(startTime) ?? [];
  const ms = Date.parse(`${date}T${time}${offset}`);
  if (Number.isNaN(ms)) {
    throw new SpendLogError(`its startTime ${JSON.stringify(startTime)} is not an instant`);
  }
  return `${ms / 1000}${fraction}`;
}

// Not yet in TypeScript's library for ES2024.
type Reviver = (name: string, value: unknown, context: { readonly source?: string }) => unknown;
const { parse, rawJSON: rawJson } = JSON as unknown as {
  readonly parse: (text: string, reviver: Reviver) => unknown;
  readonly rawJSON: (text: string) => object;
};

/** The names of numbers that are amounts or instants, of which binary floats would lose digits. */
const EXACT = new Set(['spend', 'response_cost', 'startTime']);

/**
 * Parses JSON so that `JSON.stringify` writes costs and start times with the digits that they had.
 * @throws SyntaxError
 */
export function parseKeepingCosts(text: string): unknown {
  return parse(text, (name, value, { source }) =>
    typeof value === 'number' && source !== undefined && EXACT.has(name) ? rawJson(source) : value,
  );
}
