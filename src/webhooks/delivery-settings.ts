import { allowsPublicAnd, type AllowsAddress } from './addresses.ts';

/** How events are delivered and retried. */
export interface WebhookSettings {
  /** The master secrets that endpoints' secrets are derived from, newest first; empty: nothing can be signed or sent. */
  readonly masterSecrets: readonly string[];
  readonly allowsAddress: AllowsAddress;
  /** Limit of a whole attempt, from name resolution to the beginning of the answer's body. */
  readonly timeoutMs: number;
  /** Pause between the first attempt and the second. */
  readonly firstRetryMs: number;
  /** Time after which an unfinished attempt counts as lost; more than `timeoutMs`. */
  readonly leaseSeconds: number;
  /** `ip:port` each; by default the system's. */
  readonly dnsServers?: readonly string[];
  /** Returns a number from 0 to 1. */
  readonly random: () => number;
}

export const DEFAULT_WEBHOOK_SETTINGS: WebhookSettings = {
  masterSecrets: [],
  allowsAddress: allowsPublicAnd([]),
  timeoutMs: 10_000,
  firstRetryMs: 5_000,
  leaseSeconds: 30,
  random: Math.random,
};

/** Attempts to deliver an event before it is given up. */
export const MAX_ATTEMPTS = 14;

const FACTOR = 4;
const LONGEST_MS = 12 * 60 * 60 * 1000;

/**
 * Returns the pause after a failed attempt: 5 s, four times as long after each further one, at most 12 h. A random
 * factor of 0.5 to 1 spreads out events that failed together. The last attempt is made 1.5 to 3.5 days after the first.
 * @param attempt number of the failed attempt, from 1
 * @param random from 0 to 1
 * @returns milliseconds; null after the last attempt
 */
export function retryInMs(attempt: number, random: number, firstRetryMs: number): number | null {
  if (attempt >= MAX_ATTEMPTS) return null;
  const fullMs = Math.min(firstRetryMs * FACTOR ** (attempt - 1), LONGEST_MS);
  return Math.trunc(fullMs * (0.5 + random / 2));
}
