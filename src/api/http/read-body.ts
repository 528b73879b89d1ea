import { MIMEType } from 'node:util';
import express, { type Request, type RequestHandler, type Response } from 'express';
import { toPointer } from '../../lib/json-pointer.ts';
import { readStrictJson, sayMistake, withoutBom } from '../../lib/strict-bytes.ts';
import { MAX_BODY_BYTES, MAX_BULK_BYTES } from './body-limits.ts';
import { HttpProblem } from './problems.ts';
import type { CheckBody } from './require-signature.ts';
import { runMiddleware } from './run-middleware.ts';
import { untilGone, waitWithin } from './client-waits.ts';

/** A request without a body is signed all the same: over no bytes. */
export const NO_BODY = Buffer.alloc(0);

/** A millisecond's work, with what follows. */
const LARGE_BYTES = 16 * 1024;

/** Reads and unpacks the bytes, up to so many; what they say is for us. */
const readerOf = (limit: number) => express.raw({ limit, type: 'application/json' });
const READERS: ReadonlyMap<number, RequestHandler> = new Map(
  [MAX_BODY_BYTES, MAX_BULK_BYTES].map((limit) => [limit, readerOf(limit)]),
);

/**
 * Reads a request's body as JSON. A name that an object has twice is refused: whoever checks what
 * was sent may read the one, and we the other.
 * @param check looks at its bytes first, in any case: at none where there is no body
 * @returns undefined where there is none
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
  // Null: there is no body; that is for the schema to say.
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
 * @param readBytes `express.raw` with its limit
 * @returns the bytes, unpacked; null where there is no body
 * @throws HttpProblem `request-timeout`; `malformed-request` when the client is gone; the body parser's own errors
 */
export async function readWithin(
  timeoutMs: number,
  readBytes: RequestHandler,
  request: Request,
  response: Response,
): Promise<Buffer | null> {
  const late = () =>
    new HttpProblem('request-timeout', `the body did not come within ${timeoutMs / 1000} s`, {
      // The rest of it may never come.
      headers: { Connection: 'close' },
    });
  // The parser doesn't learn that the connection broke while it unpacks, or before it began.
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
  // A common slip; the schema says what is missing.
  if (body.length === 0) return {};
  const read = readStrictJson(withoutBom(body));
  if (read.ok) return read.value;
  throw new HttpProblem('malformed-request', sayMistake('the body', read), {
    ...(read.mistake === 'flaw' && {
      errors: [{ pointer: toPointer(read.flaw.path), detail: read.flaw.detail }],
    }),
  });
}

/** Takes turns: between two of them the event loop looks at what has come in meanwhile. */
export type TakeTurn = () => Promise<void>;

/**
 * For work that keeps the process busy for milliseconds. Many large bodies that arrive together would be
 * read one after the other, and the database's answers, and everybody's small requests, wait for all of
 * them.
 */
export function createTurns(): TakeTurn {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => new Promise<void>((resolve) => setImmediate(resolve)));
    return last;
  };
}

/** The turns of everything that this process reads. */
export const takeTurn = createTurns();
