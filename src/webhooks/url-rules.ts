import { isIP } from 'node:net';
import { isLoopback, type AllowsAddress } from './addresses.ts';

export const MAX_URL_LENGTH = 2000;

/**
 * Whether events may be sent to a URL, as far as it says itself: what a name resolves to is looked at
 * when it is connected to (`guardedLookup`).
 * @returns why not; null where they may
 */
export function whyNotUrl(text: string, allowsAddress: AllowsAddress): string | null {
  const url = URL.parse(text);
  if (url === null) return 'it is not a URL';
  if (text.length > MAX_URL_LENGTH) return `it is longer than ${MAX_URL_LENGTH} characters`;
  if (url.username !== '' || url.password !== '') return 'it has a user or a password in it';
  if (url.hash !== '') return 'it has a fragment, which is never sent';
  const host = hostOf(url);
  // A name that means this machine wherever it is asked for.
  const address = host === 'localhost' || host.endsWith('.localhost') ? '127.0.0.1' : host;
  if (isIP(address) !== 0 && !allowsAddress(address)) return `${host} is not a public address`;
  if (url.protocol === 'https:') return null;
  return url.protocol === 'http:' && isLoopback(address)
    ? null
    : 'it has to be https; http only goes to a loopback address that is allowed';
}

/** Without the brackets of an IPv6 address. */
export function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
