import { MIMEType } from 'node:util';
import express, { type Request, type RequestHandler, type Response } from 'express';
import { toPointer } from '../../lib/json-pointer.ts';
import { readStrictJson, sayMistake, withoutBom } from '../../lib/strict-bytes.ts';
import { MAX_BODY_BYTES, MAX_BULK_BYTES } from './body-limits.ts';
import { HttpProblem } from './problems.ts';
import type { CheckBody } from './require-signature.ts';
import { runMiddleware } from './run-middleware.ts';
import { untilGone, waitWithin } from './client-waits.ts';

/** A request without a body is signed too: over zero bytes. */
export const NO_BODY = Buffer.alloc(0);

/** From this size on, parsing and validating takes about a millisecond. */
const LARGE_BYTES = 16 * 1024;

/** Reads and decompresses up to `limit` bytes, without parsing them. */
const readerOf = (limit: number) => express.raw({ limit, type: 'application/json' });
const READERS: ReadonlyMap<number, RequestHandler> = new Map(
  [MAX_BODY_BYTES, MAX_BULK_BYTES].map((limit) => [limit, readerOf(limit)]),
);

/**
 * Reads a request's body as JSON. Rejects duplicate names in an object: another program that checks the body
 * might read the first value where we read the last.
 * @param check checks the bytes before parsing; without a body it gets zero bytes
 * @returns undefined without a body
 * @throws HttpProblem `unsupported-media-type`, `malformed-request`, `request-timeout`; the body
 * parser's own errors
 */
export async function readJsonBody(
  request: Request,
  response: Response,
  {
    timeoutMs,
    maxBytes,
    check,
  }: { readonly timeoutMs: number; readonly maxBytes: number; readonly check: CheckBody },
): Promise<unknown> {
  // Null means no body, which the schema reports.
  if (request.is('application/json') === false) {
    throw new HttpProblem('unsupported-media-type', 'send Content-Type: application/json');
  }
  const readBytes = READERS.get(maxBytes) ?? readerOf(maxBytes);
  const body = await readWithin(timeoutMs, readBytes, request, response);
  check(body ?? NO_BODY);
  if (body === null) return undefined;
  requireUtf8(request.headers['content-type']);
  if (body.length >= LARGE_BYTES) await takeTurn();
  return parseBody(body);
}

/**
 * Reads a body within a time limit.
 * @param readBytes `express.raw` with its limit
 * @returns the decompressed bytes; null without a body
 * @throws HttpProblem `request-timeout`; `malformed-request` when the client is gone; the body parser's own errors
 */
export async function readWithin(
  timeoutMs: number,
  readBytes: RequestHandler,
  request: Request,
  response: Response,
): Promise<Buffer | null> {
  const late = () =>
    new HttpProblem('request-timeout', `the body did not arrive within ${timeoutMs / 1000} s`, {
      // The rest of the body may never arrive.
      headers: { Connection: 'close' },
    });
  // The parser does not notice a connection that breaks while it decompresses, or broke before it began.
  const signals = [untilGone(response)];
  await waitWithin({ timeoutMs, late, signals }, () => runMiddleware(readBytes, request, response));
  const body: unknown = request.body;
  return Buffer.isBuffer(body) ? body : null;
}

/** @throws HttpProblem `unsupported-media-type` */
function requireUtf8(contentType = ''): void {
  if (!contentType.includes(';')) return;
  const charset = new MIMEType(contentType).params.get('charset') ?? UTF_8;
  if (charset.toLowerCase() !== UTF_8) {
    throw new HttpProblem('unsupported-media-type', `send JSON in UTF-8, not in ${charset}`);
  }
}

const UTF_8 = 'utf-8';

/** @throws HttpProblem `malformed-request` */
function parseBody(body: Buffer): unknown {
  // A common mistake; the schema reports what is missing.
  if (body.length === 0) return {};
  const read = readStrictJson(withoutBom(body));
  if (read.ok) return read.value;
  throw new HttpProblem('malformed-request', sayMistake('the body', read), {
    ...(read.mistake === 'flaw' && {
      errors: [{ pointer: toPointer(read.flaw.path), detail: read.flaw.detail }],
    }),
  });
}

/** Waits for a turn. Between two turns the event loop handles other input. */
export type TakeTurn = () => Promise<void>;

/**
 * Makes turns for work that blocks the process for milliseconds. Without them, many large bodies that arrive
 * together would be parsed back to back while small requests and database results wait.
 */
export function createTurns(): TakeTurn {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => new Promise<void>((resolve) => setImmediate(resolve)));
    return last;
  };
}

/** The turns shared by everything that this process reads. */
export const takeTurn = createTurns();
