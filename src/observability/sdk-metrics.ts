import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

const HOST = '127.0.0.1';
/** It is this very process that answers. */
const READ_TIMEOUT_MS = 2_000;

/** Where the SDK's native core lets its metrics be read: by this machine alone. */
export interface SdkMetrics {
  /** For the runtime's Prometheus exporter. */
  readonly bindAddress: string;
  /** In the Prometheus text format; empty as long as there is no runtime. */
  render(): Promise<string>;
}

/** The core takes a port and doesn't say which, so we look for one. */
export async function findSdkMetricsPort(): Promise<SdkMetrics> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const bindAddress = `${HOST}:${port}`;
  return {
    bindAddress,
    async render() {
      try {
        const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
        const response = await fetch(`http://${bindAddress}/metrics`, { signal });
        return await response.text();
      } catch {
        // Ours are worth reading without it; that it is missing shows.
        return '';
      }
    },
  };
}
