export { createClient, type ApiClient, type ClientOptions } from './client.ts';
export type { Problem, Schemas } from './client.ts';
export type { components, operations, paths } from './generated.ts';
export { DEFAULT_RETRY, pauseBefore, type RetryPolicy } from './retry.ts';
