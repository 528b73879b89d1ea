import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { AllowsAddress } from './addresses.ts';

/**
 * Resolves a name for a connection that is about to be made, and refuses it where any of its addresses
 * isn't allowed: the address that is looked at is the one that is connected to, whatever the name
 * resolves to a moment later.
 */
export function guardedLookup(allowsAddress: AllowsAddress): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) {
        callback(error, []);
        return;
      }
      const refused = addresses.find(({ address }) => !allowsAddress(address));
      const [first] = addresses;
      if (refused || !first) {
        const reason = refused ? `${refused.address}, which is not a public address` : 'nothing';
        callback(new Error(`${hostname} resolves to ${reason}`), []);
      } else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
