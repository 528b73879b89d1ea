import { isIP } from 'node:net';
import { isLocalhost, isLoopback, type AllowsAddress } from './addresses.ts';

export const MAX_URL_LENGTH = 2000;

/** A receiver's URL as it is stored and requested, or the reason why events can't be sent to it. */
export type CheckedUrl =
  { readonly url: string; readonly reason: null } | { readonly url: null; readonly reason: string };

/**
 * Checks a receiver's URL without resolving its name: the addresses of a name are checked for each connection
 * (`guardedLookup`).
 * @returns the URL in the parser's spelling, without a trailing dot in its host name: ASCII only
 */
export function checkWebhookUrl(text: string, allowsAddress: AllowsAddress): CheckedUrl {
  // The parser silently drops some of these and encodes others.
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text))
    return refuse('it has a control character in it');
  const url = URL.parse(text);
  if (url === null) return refuse('it is not a URL');
  if (url.hostname.endsWith('.')) url.hostname = url.hostname.slice(0, -1);
  const host = hostOf(url);
  if (host.split('.').includes('')) return refuse('its host name has an empty part');
  if (url.href.length > MAX_URL_LENGTH) {
    return refuse(`it is longer than ${MAX_URL_LENGTH} characters`);
  }
  if (url.username !== '' || url.password !== '')
    return refuse('it has a user or a password in it');
  if (url.hash !== '') return refuse('it has a fragment, which is never sent');
  const address = isLocalhost(host) ? '127.0.0.1' : host;
  if (isIP(address) !== 0 && !allowsAddress(address)) {
    return refuse(`${host} is not a public address`);
  }
  const isAllowed = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(address));
  return isAllowed
    ? { url: url.href, reason: null }
    : refuse('it has to be https; http only goes to a loopback address that is allowed');
}

function refuse(reason: string): CheckedUrl {
  return { url: null, reason };
}

/** Without the brackets of an IPv6 address. */
function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
