import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { AllowsAddress } from './addresses.ts';

/** All addresses of a name. */
type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Resolves a name for a connection that is about to be made, and refuses it where any of its addresses
 * isn't allowed: the address that is looked at is the one that is connected to, whatever the name
 * resolves to a moment later.
 * @param resolve the system's, but for a test
 */
export function guardedLookup(
  allowsAddress: AllowsAddress,
  resolve: Resolve = lookup,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
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
