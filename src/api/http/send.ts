import { once } from 'node:events';
import type { Request, Response } from 'express';
import type { OutgoingReply } from './route-definition.ts';
import { SharedDocument, sendShared } from './shared-document.ts';
import { type Timeouts, untilGone, waitWithin } from './client-waits.ts';

/** Sends a response, at once or as a stream. */
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

/** The default with status 503. */
export const RETRY_AFTER_SECONDS = '5';

function isStream(body: unknown): body is AsyncIterable<string> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

/**
 * Sends parts as they are made. The next part is made only when the client has room for it. The work stops
 * when the client is gone or does not read for too long.
 */
async function sendStream(
  response: Response,
  parts: AsyncIterable<string>,
  idleMs: number,
): Promise<void> {
  const gone = untilGone(response);
  // Before the first part exists: a client that sends a stream may wait for the status.
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

/** @returns false if the client is gone or does not read */
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
