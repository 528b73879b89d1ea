import { once } from 'node:events';
import type { Request, Response } from 'express';
import type { OutgoingReply } from './route-definition.ts';
import type { Timeouts } from './timeouts.ts';

/** Sends an answer: at once, or as it comes. */
export async function send(
  request: Request,
  response: Response,
  { status, contentType, body, headers }: OutgoingReply,
  timeouts: Timeouts,
): Promise<void> {
  response
    .status(status)
    .set({ 'Cache-Control': 'no-store', ...headers, 'Content-Type': contentType });
  if (status === 503) response.set('Retry-After', RETRY_AFTER_SECONDS);
  if (isStream(body)) await sendStream(request, response, body, timeouts);
  else if (typeof body === 'string' || Buffer.isBuffer(body)) response.send(body);
  else response.send(JSON.stringify(body));
}

/** With every 503 that doesn't know better. */
export const RETRY_AFTER_SECONDS = '5';

/** Too much for one text: it is sent as it comes. */
function isStream(body: unknown): body is AsyncIterable<string> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

/**
 * The next part is made when the client has room for it. A client that is gone, or doesn't read for
 * too long, stops the work.
 */
async function sendStream(
  request: Request,
  response: Response,
  parts: AsyncIterable<string>,
  { idleMs, lingerMs }: Timeouts,
): Promise<void> {
  // Before the first part is there: who sends a stream may want to know that it is welcome.
  response.flushHeaders();
  for await (const part of parts) {
    if (response.destroyed) return;
    if (response.write(part)) continue;
    if (!(await hasRoomWithin(response, idleMs))) {
      response.destroy();
      return;
    }
  }
  response.end();
  if (!request.complete) linger(request, lingerMs);
}

/** @returns false where the client is gone, or takes nothing */
async function hasRoomWithin(response: Response, idleMs: number): Promise<boolean> {
  const closed = new AbortController();
  const onClose = (): void => closed.abort();
  response.once('close', onClose);
  try {
    const signal = AbortSignal.any([closed.signal, AbortSignal.timeout(idleMs)]);
    await once(response, 'drain', { signal });
    return true;
  } catch {
    return false;
  } finally {
    response.off('close', onClose);
  }
}

/**
 * The answer ended before the request. A connection that is closed with something unread makes the
 * client's system throw away what it has not read yet: our last word.
 */
function linger(request: Request, lingerMs: number): void {
  request.unpipe();
  request.resume();
  const timer = setTimeout(() => request.destroy(), lingerMs);
  request.once('close', () => {
    clearTimeout(timer);
  });
}
