/** A key of the proxy and what it says about who pays, in LiteLLM's names. */
export interface LitellmKey {
  readonly user_id: string;
  readonly team_id: string | null;
  readonly key_alias: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly team_metadata: Readonly<Record<string, string>>;
}

/** The path of the API's endpoint for LiteLLM. */
const ENDPOINT = '/api/v1/integrations/litellm';

/** The callback's settings, as docs/integrating.md recommends them: what is sent is retried for about an hour. */
export function callbackSettings(apiUrl: string) {
  return {
    callback_type: 'generic_api',
    endpoint: new URL(ENDPOINT, apiUrl).href,
    headers: { Authorization: 'os.environ/ARCADIA_AUTHORIZATION' },
    log_format: 'json_array',
    max_retries: 12,
    retry_delay: 1,
    timeout: 60,
  };
}

/**
 * LiteLLM's own settings for that, as environment variables. A batch that is full is sent within the time that LiteLLM
 * allows a callback, 20 seconds, and is lost if it takes longer; a batch that is due is sent outside of it, and waits.
 * So no batch may ever be full.
 */
export const CALLBACK_ENVIRONMENT = {
  DEFAULT_BATCH_SIZE: '1000000',
  DEFAULT_FLUSH_INTERVAL_SECONDS: '1',
} as const;

/** A price in dollars per token, as LiteLLM has it. */
interface Price {
  readonly input_cost_per_token: number;
  readonly output_cost_per_token: number;
}

const SMALL: Price = { input_cost_per_token: 1.5e-7, output_cost_per_token: 6e-7 };
const LARGE: Price = { input_cost_per_token: 2.499375e-6, output_cost_per_token: 1.0000625e-5 };
/** In cents it has more than 12 decimals. */
const ODD: Price = {
  input_cost_per_token: 1.01234567e-13,
  output_cost_per_token: 1.0333333333333e-7,
};

/** The proxy's configuration: models that answer by themselves, the callback, and keys from a file. JSON is YAML. */
export function litellmConfig(apiUrl: string): string {
  return JSON.stringify(
    {
      model_list: [
        model('small', 'Hello from the small model, which says a few words.', SMALL),
        model(
          'large',
          'A longer answer of the large model, with more to say than the other one.',
          LARGE,
        ),
        model('odd', 'An answer whose price does not come out even.', ODD),
        model('free', 'An answer of a model without a price.', null),
        model('broken', 'litellm.RateLimitError', SMALL),
      ],
      litellm_settings: {
        callbacks: ['arcadia', 'gateway.spend_log'],
        cache: true,
        cache_params: { type: 'local' },
        turn_off_message_logging: true,
        num_retries: 1,
      },
      callback_settings: { arcadia: callbackSettings(apiUrl) },
      router_settings: { num_retries: 1, fallbacks: [{ broken: ['small'] }] },
      general_settings: {
        master_key: 'os.environ/LITELLM_MASTER_KEY',
        custom_auth: 'gateway.user_api_key_auth',
      },
    },
    null,
    2,
  );
}

function model(name: string, answer: string, price: Price | null) {
  return {
    model_name: name,
    litellm_params: {
      model: `openai/arcadia-${name}`,
      api_key: 'not-a-key',
      // Nothing listens there: the answer is the mock's.
      api_base: 'http://127.0.0.1:9',
      mock_response: answer,
      ...price,
    },
    model_info: { id: `${name}-1` },
  };
}
