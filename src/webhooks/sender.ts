import { Resolver } from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import type { AllowsAddress } from './addresses.ts';
import { guardedLookup, resolveWith } from './guarded-lookup.ts';
import type { SignedEvent } from './webhook-signing.ts';

/** Bytes of an answer that are stored; the rest is not read. */
const MAX_RESPONSE_BYTES = 1024;
/** How long to wait for the body. It is short, because the status already decides the outcome. */
const RESPONSE_MS = 1_000;
/** Maximum number of informational answers (1xx) before the real one. */
const MAX_INFORMATIONAL = 10;

/** Timeout of the first query to a DNS server; the second and last query waits twice as long. */
const DNS_TRY_MS = 2_000;

/** The outcome of an attempt. */
export interface Posted {
  /** Null if there was no answer. */
  readonly status: number | null;
  /** Null if the receiver accepted the event. Receivers can influence this text. */
  readonly error: string | null;
  readonly response: string | null;
}

export interface SenderOptions {
  readonly allowsAddress: AllowsAddress;
  /** Limit of a whole attempt, from name resolution to the beginning of the answer's body. */
  readonly timeoutMs: number;
  /** `ip:port` each; by default the system's. */
  readonly dnsServers?: readonly string[] | undefined;
}

/** Sends events to one URL. Disposing it closes its connections and cancels its lookups. */
export interface Sender extends Disposable {
  /**
   * Posts an event. An answer of 2xx is success. Redirects are not followed, because their target has not been
   * checked. Never rejects.
   * @param signal aborts the attempt
   */
  post(event: SignedEvent, signal: AbortSignal): Promise<Posted>;
}

/** Opens a sender, which reuses its connections for further events. */
export function openSender(
  url: URL,
  { allowsAddress, timeoutMs, dnsServers }: SenderOptions,
): Sender {
  const { Agent, request } = url.protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true });
  const resolver = new Resolver({ timeout: DNS_TRY_MS, tries: 2 });
  if (dnsServers) resolver.setServers(dnsServers);
  const lookup = guardedLookup(allowsAddress, resolveWith(resolver));
  return {
    post: ({ body, headers }, signal) =>
      exchange(() => request(url, { method: 'POST', headers, agent, lookup }), {
        ...{ body, timeoutMs, signal },
      }),
    [Symbol.dispose]() {
      resolver.cancel();
      agent.destroy();
    },
  };
}

interface ExchangeOptions {
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Sends one request and returns its outcome. Node reports the end of an exchange by one of several events, and
 * some ends by none of them (`101 Switching Protocols`), so the deadline depends on no event.
 */
function exchange(
  open: () => http.ClientRequest,
  { body, timeoutMs, signal }: ExchangeOptions,
): Promise<Posted> {
  return new Promise((resolve) => {
    let request: http.ClientRequest | null = null;
    /** Set once the head of the answer has arrived: the body can't change the outcome any more. */
    let answered: (() => Posted) | null = null;
    let bodyTimer: NodeJS.Timeout | undefined;
    const end = (reason: string) => {
      clearTimeout(deadline);
      clearTimeout(bodyTimer);
      signal.removeEventListener('abort', stop);
      // Has no effect if the answer was read completely: then the agent keeps the connection.
      request?.destroy();
      resolve(answered?.() ?? { status: null, error: toText(Buffer.from(reason)), response: null });
    };
    const stop = () => end('given up: the worker stops');
    const deadline = setTimeout(() => end(`no answer within ${timeoutMs} ms`), timeoutMs);
    if (signal.aborted) {
      stop();
      return;
    }
    signal.addEventListener('abort', stop);
    try {
      request = open();
      // Stays registered, because errors can follow after the end.
      request.on('error', (error) => end(reasonOf(error)));
      request.once('close', () => end('the connection was closed without an answer'));
      let informational = 0;
      request.on('information', () => {
        informational += 1;
        if (informational > MAX_INFORMATIONAL) {
          end(`more than ${MAX_INFORMATIONAL} informational answers`);
        }
      });
      request.once('upgrade', ({ statusCode = 101 }, socket) => {
        // The connection no longer belongs to the request.
        socket.destroy();
        answered = () => toPosted(statusCode, '');
        end('');
      });
      request.once('response', (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answered = () => toPosted(response.statusCode ?? 0, toText(Buffer.concat(chunks)));
        bodyTimer = setTimeout(() => end(''), RESPONSE_MS);
        for (const over of ['end', 'close', 'error']) response.on(over, () => end(''));
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes >= MAX_RESPONSE_BYTES) end('');
        });
      });
      request.end(body);
    } catch (error) {
      end(reasonOf(error));
    }
  });
}

function toPosted(status: number, response: string): Posted {
  return { status, error: complaintOf(status), response };
}

function complaintOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  if (status === 101) return 'answered 101: there is nothing to switch to';
  return status >= 300 && status < 400
    ? `answered ${status}: redirects are not followed`
    : `answered ${status}`;
}

/** Returns the beginning of a text without characters that PostgreSQL or a terminal can't handle. */
function toText(bytes: Buffer): string {
  const text = bytes.subarray(0, MAX_RESPONSE_BYTES).toString('utf8');
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** If several addresses of a name were tried, each has its own reason. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
