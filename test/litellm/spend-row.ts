interface CallbackEvent {
  readonly id: string;
  readonly litellm_call_id: string;
  readonly status: string;
  readonly cache_hit: boolean | null;
  readonly startTime: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly [name: string]: unknown;
}

/**
 * Returns the row of LiteLLM's spend log about the same request as an event of its callback, as `get_logging_payload` of
 * LiteLLM 1.108.7 makes it and `/spend/logs/v2` shows it. `npm run test:litellm` uses rows of LiteLLM itself.
 */
export function spendRowOf(line: string): string {
  const event = JSON.parse(line) as CallbackEvent;
  const { metadata } = event;
  const [, cost = ''] = /"response_cost": ([^,]+),/.exec(line) ?? [];
  const row = {
    request_id: event.id,
    litellm_call_id: event.litellm_call_id,
    call_type: event.call_type,
    api_key: metadata.user_api_key_hash,
    spend: 0,
    // PostgreSQL rounds it to timestamp(3).
    startTime: new Date(Math.round(event.startTime * 1000)).toISOString().replace('Z', '+00:00'),
    model: event.model,
    model_group: event.model_group ?? '',
    user: metadata.user_api_key_user_id ?? '',
    team_id: metadata.user_api_key_team_id ?? '',
    cache_hit: event.cache_hit === true ? 'True' : 'None',
    total_tokens: event.total_tokens,
    prompt_tokens: event.prompt_tokens,
    completion_tokens: event.completion_tokens,
    status: event.status,
    metadata: {
      status: event.status,
      user_api_key_alias: metadata.user_api_key_alias,
      user_api_key_team_id: metadata.user_api_key_team_id,
      user_api_key_project_id: metadata.user_api_key_project_id,
    },
  };
  return JSON.stringify(row).replace('"spend":0', `"spend": ${cost}`);
}
