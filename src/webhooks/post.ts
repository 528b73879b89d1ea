import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AllowsAddress } from './addresses.ts';
import { guardedLookup } from './guarded-lookup.ts';
import type { SignedEvent } from './sign-event.ts';

/** What of an answer is kept; the rest is not read. */
const MAX_RESPONSE_BYTES = 1024;
/** How long to wait for that: the status has said what matters. */
const RESPONSE_MS = 1_000;

/** What came of a request. */
export interface Posted {
  /** Null where there was no answer. */
  readonly status: number | null;
  readonly error: string | null;
  readonly response: string | null;
}

export interface PostOptions {
  readonly agent: http.Agent;
  readonly allowsAddress: AllowsAddress;
  readonly timeoutMs: number;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/** Keeps connections for the requests of a round. Close it with `destroy()`. */
export function createAgent(url: URL): http.Agent {
  const { Agent } = url.protocol === 'https:' ? https : http;
  return new Agent({ keepAlive: true });
}

/**
 * Posts an event. An answer of 2xx is success; redirects are not followed, for they would take the event
 * to where nobody has looked. It doesn't throw.
 */
export async function post(
  url: URL,
  { body, headers }: SignedEvent,
  { agent, allowsAddress, timeoutMs, signal }: PostOptions,
): Promise<Posted> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const request = (url.protocol === 'https:' ? https : http).request(url, {
    method: 'POST',
    headers,
    agent,
    lookup: guardedLookup(allowsAddress),
    signal: AbortSignal.any([timeout, signal]),
  });
  // Also what goes wrong after the head has come, when nobody listens any more.
  request.on('error', () => undefined);
  try {
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const status = response.statusCode ?? 0;
    return { status, error: complaintOf(status), response: await readStart(response) };
  } catch (error) {
    const reason = timeout.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error);
    return { status: null, error: reason, response: null };
  } finally {
    // Whatever is left of it. An answer that was read to its end gave the connection back.
    request.destroy();
  }
}

function complaintOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  return status >= 300 && status < 400
    ? `answered ${status}: redirects are not followed`
    : `answered ${status}`;
}

/** The beginning of an answer's body, however slowly it comes. */
async function readStart(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const timer = setTimeout(() => response.destroy(), RESPONSE_MS);
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= MAX_RESPONSE_BYTES) break;
    }
  } catch {
    // Cut off, by us or by them: what has come will do.
  } finally {
    clearTimeout(timer);
  }
  return toText(Buffer.concat(chunks).subarray(0, MAX_RESPONSE_BYTES));
}

/** Whatever it is, something that PostgreSQL and a terminal can hold. */
function toText(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/\p{Cc}+/gu, ' ');
}

/** Where every address of a name was tried, each has its own reason. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
