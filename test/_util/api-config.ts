import type { ApiOptions } from '../../src/api/api-server.ts';
import { ANY_TIME_CONFIG } from './any-time.ts';

/** The API's configuration, so wide that no test meets a limit that it isn't about. */
export const API_CONFIG: ApiOptions['config'] = {
  trustedProxies: 0,
  requestsPerMinute: 100_000,
  failedAuthsPerMinute: 100_000,
  strangerRequestsPerMinute: 100_000,
  maxClients: 1_000,
  maxBodyBytesInFlight: 64 * 1024 * 1024,
  usage: ANY_TIME_CONFIG,
  litellmFreeModels: [],
  signingMasterSecrets: [],
  sessionSecret: null,
};
