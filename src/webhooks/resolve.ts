import type { LookupAddress } from 'node:dns';
import type { Resolver } from 'node:dns/promises';

/** Finds all addresses of a name. Rejects if it has none. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

const LOOPBACK: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/** Whether a name means this machine, wherever it is asked for (RFC 6761). */
export function isLocalhost(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost');
}

/**
 * Asks DNS. Not by the system's `getaddrinfo`, which blocks one of the process's few threads until it
 * gives up, cannot be ended, and would make PostgreSQL's connections wait behind it: receivers choose
 * which DNS servers are asked. So names have to be whole, and `/etc/hosts` doesn't count.
 */
export function resolveWith(resolver: Resolver): Resolve {
  return async (hostname) => {
    if (isLocalhost(hostname)) return LOOPBACK;
    const [v4, v6] = await Promise.allSettled([
      resolver.resolve4(hostname),
      resolver.resolve6(hostname),
    ]);
    if (v4.status === 'rejected' && v6.status === 'rejected') throw v4.reason;
    return [...withFamily(v4, 4), ...withFamily(v6, 6)];
  };
}

function withFamily(result: PromiseSettledResult<readonly string[]>, family: 4 | 6) {
  const addresses = result.status === 'fulfilled' ? result.value : [];
  return addresses.map((address): LookupAddress => ({ address, family }));
}
