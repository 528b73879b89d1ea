import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { HttpProblem } from './problems.ts';
import type { StreamBounds } from './stream-bounds.ts';
import { waitWithin, type WaitBounds } from './client-waits.ts';

export interface ReadChunksOptions {
  /** The longest pause the sender may make. */
  readonly idleMs: number;
  /** Aborted when the server shuts down; the sender gets the reason. */
  readonly stopping: AbortSignal;
  /** Aborted when the sender is gone. */
  readonly gone: AbortSignal;
  /** Counts the received and the decompressed bytes. */
  readonly bounds: StreamBounds;
}

/** As much as Node reads at a time. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Yields a request's body as it arrives, decompressed. Each chunk is gone when the next one is asked for. Nothing
 * is read ahead, so a slow consumer slows the sender down. It leaves the connection open, so that a final line can
 * still be sent.
 * @throws HttpProblem `unsupported-media-type` at once; during iteration `malformed-request`,
 * `request-timeout`, `overloaded`, `too-large`
 */
export function readChunks(
  request: IncomingMessage,
  options: ReadChunksOptions,
): AsyncGenerator<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new HttpProblem(
      'unsupported-media-type',
      'send streams uncompressed or compressed with gzip',
    );
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
    late: () => new HttpProblem('request-timeout', `no data arrived for ${idleMs / 1000} s`),
    signals: [stopping, gone],
  };
  const gunzip = isPacked ? createGunzip({ chunkSize: CHUNK_BYTES }) : null;
  // `pipe` does not report a broken connection, so `gone` ends the wait.
  const unpacked: Readable = gunzip === null ? request : request.pipe(gunzip);
  const chunks: AsyncIterator<Buffer> = unpacked.iterator({ destroyOnReturn: false });
  let received = 0;
  try {
    for (let chunk; (chunk = await waitWithin(wait, () => readNext(chunks))) !== null;) {
      received = gunzip === null ? received + chunk.length : gunzip.bytesWritten;
      bounds.read(received, chunk.length);
      yield chunk;
      if (gunzip === null) free(chunk);
    }
  } finally {
    // Not awaited, because it would wait for a pending read.
    chunks.return?.().catch(() => undefined);
    gunzip?.destroy();
  }
}

/** Frees the memory of a chunk that has its own. The garbage collector would come only after many more. */
function free({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** @returns null at the end */
async function readNext(chunks: AsyncIterator<Buffer>): Promise<Buffer | null> {
  try {
    const next = await chunks.next();
    return next.done === true ? null : next.value;
  } catch (error) {
    throw new HttpProblem(
      'malformed-request',
      'the body ended early, or does not match its Content-Encoding',
      {
        cause: error,
      },
    );
  }
}
