import { allowsPublicAnd, type AllowsAddress } from './addresses.ts';

/** How events are delivered. */
export interface WebhookSettings {
  /** What secrets are derived from, the newest first; empty: nothing can be signed, so nothing is sent. */
  readonly masterSecrets: readonly string[];
  readonly allowsAddress: AllowsAddress;
  /** For a whole attempt, from name resolution to the beginning of the answer's body. */
  readonly timeoutMs: number;
  /** From the first attempt to the second. */
  readonly firstRetryMs: number;
  /** When an attempt of which nothing was heard is taken to be lost; more than `timeoutMs`. */
  readonly leaseSeconds: number;
  /** `ip:port` each; by default the system's. */
  readonly dnsServers?: readonly string[];
  /** From 0 to 1. */
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
