/** An event as LiteLLM sends it, with the given fields. It lacks ids, a cost and metadata. */
export function litellmEvent(fields: object) {
  return {
    ...{ status: 'success', cache_hit: null, startTime: 1795959293.297993 },
    ...{ model: 'openai/gpt-large', model_group: 'large' },
    ...{ total_tokens: 29, prompt_tokens: 11, completion_tokens: 18 },
    ...fields,
  };
}
