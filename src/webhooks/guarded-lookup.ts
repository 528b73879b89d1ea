import type { LookupFunction } from 'node:net';
import type { AllowsAddress } from './addresses.ts';
import type { Resolve } from './resolve.ts';

/**
 * Resolves a name for a connection that is about to be made, and refuses it if any of its addresses
 * isn't allowed. The address that is checked is the one that is connected to, whatever the name
 * resolves to a moment later.
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
