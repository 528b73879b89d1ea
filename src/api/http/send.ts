import { once } from 'node:events';
import type { Request, Response } from 'express';
import type { OutgoingReply } from './route-definition.ts';
import { SharedDocument, sendShared } from './shared-document.ts';
import { type Timeouts, untilGone, waitWithin } from './client-waits.ts';

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
  if (body instanceof SharedDocument) sendShared(request, response, body);
  else if (isStream(body)) await sendStream(response, body, timeouts.idleMs);
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
  response: Response,
  parts: AsyncIterable<string>,
  idleMs: number,
): Promise<void> {
  const gone = untilGone(response);
  // Before the first part is there: who sends a stream may want to know that it is welcome.
  response.flushHeaders();
  for await (const part of parts) {
    if (gone.aborted) return;
    if (response.write(part)) continue;
    if (!(await hasRoomWithin(response, idleMs, gone))) {
      response.destroy();
      return;
    }
  }
  response.end();
}

/** @returns false where the client is gone, or takes nothing */
async function hasRoomWithin(
  response: Response,
  idleMs: number,
  gone: AbortSignal,
): Promise<boolean> {
  try {
    const late = () => new Error('the client does not read');
    const begin = () => once(response, 'drain');
    await waitWithin({ timeoutMs: idleMs, late, signals: [gone] }, begin);
    return true;
  } catch {
    return false;
  }
}
