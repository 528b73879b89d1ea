import { hash } from 'node:crypto';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Request, Response } from 'express';

/** Takes some tens of milliseconds, once per process. */
const BROTLI_QUALITY = 9;

/**
 * A document that is the same for all clients. It is encoded, compressed and hashed once, and all responses
 * share the bytes, so a request is cheap however large the document is.
 */
export class SharedDocument {
  readonly #bytes: Readonly<Record<Encoding, Buffer>>;
  readonly #digest: string;

  constructor(text: string) {
    const identity = Buffer.from(text);
    this.#bytes = {
      identity,
      gzip: gzipSync(identity),
      br: brotliCompressSync(identity, {
        params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY },
      }),
    };
    this.#digest = hash('sha256', identity, 'base64url').slice(0, 22);
  }

  /** Returns the document in the encoding that the client prefers, with its ETag. */
  for(request: Request): Variant {
    const encoding = ENCODINGS.find((name) => name === request.acceptsEncodings([...ENCODINGS]));
    const chosen = encoding ?? 'identity';
    return {
      encoding: chosen,
      bytes: this.#bytes[chosen],
      etag: `"${this.#digest}-${chosen}"`,
    };
  }
}

const ENCODINGS = ['br', 'gzip', 'identity'] as const;
type Encoding = (typeof ENCODINGS)[number];

interface Variant {
  readonly encoding: Encoding;
  readonly bytes: Buffer;
  readonly etag: string;
}

/** Sends a document, or 304 if the client already has it. The caller sets status and content type. */
export function sendShared(request: Request, response: Response, document: SharedDocument): void {
  const { encoding, bytes, etag } = document.for(request);
  response.set('ETag', etag).vary('Accept-Encoding');
  if (encoding !== 'identity') response.set('Content-Encoding', encoding);
  response.send(bytes);
}
