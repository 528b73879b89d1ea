/** How long clients may take, and leave us waiting. */
export interface Timeouts {
  /** For the head of a request, from its first byte or from the connection on. */
  readonly headersMs: number;
  /** For a JSON body as a whole. */
  readonly bodyMs: number;
  /** A stream may last, but not pause: neither what it sends nor its reading of our answers. */
  readonly idleMs: number;
  /** For taking an answer, from when all of it is there. */
  readonly sendMs: number;
  /** Between two requests on a connection. */
  readonly keepAliveMs: number;
  /** For the rest of a body after its answer: it is thrown away, so that the answer can be read. */
  readonly lingerMs: number;
  /** How often the server looks for clients that are late. */
  readonly checkMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  headersMs: 10_000,
  bodyMs: 30_000,
  idleMs: 30_000,
  sendMs: 30_000,
  keepAliveMs: 30_000,
  lingerMs: 2_000,
  checkMs: 1_000,
};

/** @param clientSeconds how long clients may take for a body, a pause in a stream, and our answer */
export function toTimeouts(clientSeconds: number): Timeouts {
  const clientMs = clientSeconds * 1000;
  return { ...DEFAULT_TIMEOUTS, bodyMs: clientMs, idleMs: clientMs, sendMs: clientMs };
}
