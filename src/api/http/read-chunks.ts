import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { HttpProblem } from './problems.ts';
import type { StreamBounds } from './stream-bounds.ts';
import { waitWithin, type WaitBounds } from './client-waits.ts';

export interface ReadChunksOptions {
  /** How long the sender may pause. */
  readonly idleMs: number;
  /** The server is shutting down: its reason is for the sender. */
  readonly stopping: AbortSignal;
  /** The sender went away. */
  readonly gone: AbortSignal;
  /** Told of what comes and what it is unpacked to. */
  readonly bounds: StreamBounds;
}

/** As much as Node reads at once. */
const CHUNK_BYTES = 64 * 1024;

/**
 * A request's body as it comes, unpacked. Nothing is read ahead: who takes the chunks slowly slows
 * the sender. It ends without closing the connection, on which a last word may have to be sent.
 * @throws HttpProblem `unsupported-media-type`, at once; while it is read: `malformed-request`,
 * `request-timeout`, `overloaded`, `too-large`
 */
export function readChunks(
  request: IncomingMessage,
  options: ReadChunksOptions,
): AsyncGenerator<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new HttpProblem('unsupported-media-type', 'a stream comes plain or compressed by gzip');
  }
  return readAll(request, encoding === 'gzip', options);
}

async function* readAll(
  request: IncomingMessage,
  isPacked: boolean,
  { idleMs, stopping, gone, bounds }: ReadChunksOptions,
): AsyncGenerator<Buffer> {
  const wait: WaitBounds = {
    timeoutMs: idleMs,
    late: () => new HttpProblem('request-timeout', `nothing came for ${idleMs / 1000} s`),
    signals: [stopping, gone],
  };
  const gunzip = isPacked ? createGunzip({ chunkSize: CHUNK_BYTES }) : null;
  // A broken connection ends the wait by `gone`: `pipe` doesn't tell of it.
  const unpacked: Readable = gunzip === null ? request : request.pipe(gunzip);
  const chunks: AsyncIterator<Buffer> = unpacked.iterator({ destroyOnReturn: false });
  let received = 0;
  try {
    for (let chunk; (chunk = await waitWithin(wait, () => readNext(chunks))) !== null;) {
      received = gunzip === null ? received + chunk.length : gunzip.bytesWritten;
      bounds.read(received, chunk.length);
      yield chunk;
    }
  } finally {
    // A read that is still waiting comes first: nobody waits for this one.
    chunks.return?.().catch(() => undefined);
    gunzip?.destroy();
  }
}

/** @returns null at the end */
async function readNext(chunks: AsyncIterator<Buffer>): Promise<Buffer | null> {
  try {
    const next = await chunks.next();
    return next.done === true ? null : next.value;
  } catch (error) {
    throw new HttpProblem('malformed-request', 'the body broke off, or is not what it says', {
      cause: error,
    });
  }
}
