import { parentPort } from 'node:worker_threads';
import type { DocumentSource } from '../db/invoices/invoice-documents.ts';
import { renderDocument, type DocumentFormat } from './render-document.ts';

/** A worker thread that renders documents one at a time, so that rendering doesn't block requests. */

export interface RenderJob {
  readonly source: DocumentSource;
  readonly format: DocumentFormat;
}

/** The document's bytes, or the error. */
export type RenderAnswer =
  | { readonly content: Uint8Array<ArrayBuffer> }
  | { readonly error: { readonly message: string; readonly stack: string | undefined } };

parentPort?.on('message', (job: RenderJob) => {
  void answer(job);
});

async function answer({ source, format }: RenderJob): Promise<void> {
  try {
    const rendered = await renderDocument(source, format);
    // A copy, because transferring takes the memory away, and small buffers share theirs.
    const content = Uint8Array.from(Buffer.from(rendered));
    parentPort?.postMessage({ content } satisfies RenderAnswer, [content.buffer]);
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    parentPort?.postMessage({ error: { message, stack } } satisfies RenderAnswer);
  }
}
