export { createClient, type ApiClient, type ClientOptions } from './api-client.ts';
export type { Problem, Schemas } from './api-client.ts';
export type { components, operations, paths } from './generated.ts';
export { DEFAULT_RETRY, pauseBefore, type RetryPolicy } from './retry.ts';
