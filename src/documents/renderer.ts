import { hash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { DocumentHeader, DocumentSource } from '../db/invoices/invoice-documents.ts';
import { createFairQueue } from '../lib/fair-queue.ts';
import { sellerOf, type DocumentFormat } from './render-document.ts';
import type { RenderAnswer, RenderJob } from './render-thread.ts';

/** Maximum size of the cache. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
/** Maximum number of an owner's waiting documents. */
const MAX_WAITING = 16;

export interface RenderedDocument {
  readonly content: Buffer;
  /** A strong validator: the digest of the content, in quotes. */
  readonly etag: string;
}

/** Renders invoices' documents without blocking the process. */
export interface DocumentRenderer {
  /**
   * Returns an invoice's document from the cache, or renders it. Rendering runs in a thread of its own, because a large
   * PDF takes a second of CPU: one document at a time, in turns among owners.
   * @param owner the requester
   * @param readSource reads the lines; called only if the document must be rendered
   * @param hasDays whether the source has the usage by day
   * @throws NoSellerError; OverloadedError if too many of the owner's documents are waiting; errors of `readSource`
   */
  render(
    owner: string,
    header: DocumentHeader,
    format: DocumentFormat,
    readSource: () => Promise<DocumentSource>,
    hasDays?: boolean,
  ): Promise<RenderedDocument>;
  /** Ends the thread; running work fails. */
  close(): Promise<void>;
}

export function createRenderer(maxKeptBytes = MAX_KEPT_BYTES): DocumentRenderer {
  const queue = createFairQueue({
    maxConcurrent: 1,
    maxConcurrentPerOwner: 1,
    maxWaitingPerOwner: MAX_WAITING,
  });
  const kept = createByteCache(maxKeptBytes);
  const underWay = new Map<string, Promise<RenderedDocument>>();
  const thread = createThread();

  async function make(
    key: string,
    owner: string,
    format: DocumentFormat,
    readSource: () => Promise<DocumentSource>,
    hasDays: boolean,
  ): Promise<RenderedDocument> {
    try {
      // Usage by day is read before its turn, because all other documents wait while one is rendered.
      const early = hasDays ? await readSource() : null;
      const content = await queue.run(owner, async () =>
        thread.render({ source: early ?? (await readSource()), format }),
      );
      const document = { content, etag: `"${hash('sha256', content, 'base64url')}"` };
      kept.put(key, document);
      return document;
    } finally {
      underWay.delete(key);
    }
  }

  return {
    async render(owner, header, format, readSource, hasDays = false) {
      sellerOf(header);
      // The header has everything that may change about an invoice; its lines never change (I4).
      const key = `${format}${hasDays ? '+days' : ''}:${hash('sha256', JSON.stringify(header), 'base64url')}`;
      const known = kept.get(key) ?? underWay.get(key);
      if (known !== undefined) return known;
      const document = make(key, owner, format, readSource, hasDays);
      underWay.set(key, document);
      return document;
    },
    close: () => thread.end(),
  };
}

/** A cache of the documents used last, with a limit on their total size. */
function createByteCache(maxBytes: number) {
  const documents = new Map<string, RenderedDocument>();
  let bytes = 0;
  const drop = (key: string, { content }: RenderedDocument): void => {
    documents.delete(key);
    bytes -= content.length;
  };
  return {
    get(key: string): RenderedDocument | undefined {
      const found = documents.get(key);
      if (found === undefined) return undefined;
      documents.delete(key);
      documents.set(key, found);
      return found;
    },
    put(key: string, document: RenderedDocument): void {
      if (document.content.length > maxBytes) return;
      documents.set(key, document);
      bytes += document.content.length;
      for (const [oldest, dropped] of documents) {
        if (bytes <= maxBytes) return;
        drop(oldest, dropped);
      }
    },
  };
}

/** A thread that starts with its first job, restarts after a crash, and doesn't keep the process alive. */
function createThread() {
  let worker: Worker | null = null;

  function start(): Worker {
    const started = new Worker(new URL('render-thread.ts', import.meta.url));
    started.unref();
    // The running job gets the error; without one, an unhandled error event would end the process.
    started.on('error', () => undefined);
    started.once('exit', () => {
      if (worker === started) worker = null;
    });
    return started;
  }

  return {
    /** Renders one document. Don't call it again before it has finished. */
    async render(job: RenderJob): Promise<Buffer> {
      const used = (worker ??= start());
      const answer = Promise.withResolvers<RenderAnswer>();
      const onExit = (code: number): void => {
        answer.reject(new Error(`the rendering thread ended with ${code}`));
      };
      used.once('message', answer.resolve).once('error', answer.reject).once('exit', onExit);
      try {
        used.postMessage(job);
        const given = await answer.promise;
        if ('content' in given) return Buffer.from(given.content.buffer);
        const { message, stack } = given.error;
        throw Object.assign(new Error(message), { stack });
      } finally {
        used.off('message', answer.resolve).off('error', answer.reject).off('exit', onExit);
      }
    },
    async end(): Promise<void> {
      await worker?.terminate();
    },
  };
}
