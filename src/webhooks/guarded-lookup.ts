import type { LookupAddress } from 'node:dns';
import type { Resolver } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { isLocalhost, type AllowsAddress } from './addresses.ts';

/** Finds all addresses of a name. Rejects if it has none. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/**
 * Resolves a name for a connection that is about to be made, and refuses it if any of its addresses
 * isn't allowed. The connection uses the address that was checked, even if the name resolves to another
 * one a moment later.
 */
export function guardedLookup(allowsAddress: AllowsAddress, resolve: Resolve): LookupFunction {
  return (hostname, { all }, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const refused = addresses.find(({ address }) => !allowsAddress(address));
        const [first] = addresses;
        if (refused || !first) {
          const reason = refused ? `${refused.address}, which is not a public address` : 'nothing';
          callback(new Error(`${hostname} resolves to ${reason}`), []);
        } else if (all) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, []),
    );
  };
}

const LOOPBACK: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/**
 * Resolves names by DNS. The system's `getaddrinfo` would block one of the process's few threads until it times out,
 * can't be cancelled, and PostgreSQL's connections would wait behind it: receivers choose which DNS servers are asked.
 * So names must be fully qualified, and `/etc/hosts` is ignored.
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
