/** How long clients may take, and leave us waiting. */
export interface Timeouts {
  /** For the head of a request, from its first byte or from the connection on. */
  readonly headersMs: number;
  /** For a JSON body as a whole. */
  readonly bodyMs: number;
  /** A stream may last, but not pause: neither what it sends nor its reading of our answers. */
  readonly idleMs: number;
  /** Between two requests on a connection. */
  readonly keepAliveMs: number;
  /** What still comes after a last word is thrown away for so long, so that it can be read. */
  readonly lingerMs: number;
  /** How often the server looks for heads that are late. */
  readonly checkMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  headersMs: 10_000,
  bodyMs: 30_000,
  idleMs: 30_000,
  keepAliveMs: 30_000,
  lingerMs: 2_000,
  checkMs: 1_000,
};
