import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { HttpProblem } from './problems.ts';

export interface ReadChunksOptions {
  /** How long the sender may pause. */
  readonly idleMs: number;
  /** The server is shutting down. */
  readonly stopping: AbortSignal;
}

/** As much as Node reads at once. */
const CHUNK_BYTES = 64 * 1024;

/**
 * A request's body as it comes, unpacked. Nothing is read ahead: who takes the chunks slowly slows
 * the sender. It ends without closing the connection, on which a last word may have to be sent.
 * @throws HttpProblem `unsupported-media-type`, at once; while it is read: `malformed-request`,
 * `request-timeout`, `overloaded`
 */
export function readChunks(
  request: IncomingMessage,
  options: ReadChunksOptions,
): AsyncGenerator<Buffer> {
  return readAll(unpack(request).iterator({ destroyOnReturn: false }), options);
}

function unpack(request: IncomingMessage): Readable {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return request;
  if (encoding === 'gzip') {
    const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
    // `pipe` doesn't tell of a sender that went away.
    request.once('error', (error) => gunzip.destroy(error));
    return request.pipe(gunzip);
  }
  throw new HttpProblem('unsupported-media-type', 'a stream comes plain or compressed by gzip');
}

async function* readAll(
  chunks: AsyncIterator<Buffer>,
  options: ReadChunksOptions,
): AsyncGenerator<Buffer> {
  for (let chunk; (chunk = await readWithin(chunks, options)) !== null;) yield chunk;
}

/** @returns null at the end */
async function readWithin(
  chunks: AsyncIterator<Buffer>,
  { idleMs, stopping }: ReadChunksOptions,
): Promise<Buffer | null> {
  const broken = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    broken.reject(new HttpProblem('request-timeout', `nothing came for ${idleMs / 1000} s`));
  }, idleMs);
  const stop = (): void => {
    broken.reject(new HttpProblem('overloaded', 'the server is shutting down'));
  };
  stopping.addEventListener('abort', stop);
  if (stopping.aborted) stop();
  try {
    return await Promise.race([broken.promise, readNext(chunks)]);
  } finally {
    clearTimeout(timer);
    stopping.removeEventListener('abort', stop);
  }
}

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
