import { parentPort } from 'node:worker_threads';
import type { DocumentSource } from '../db/invoices/invoice-documents.ts';
import { renderDocument, type DocumentFormat } from './render-document.ts';

/** Renders one document after the other, away from the thread that answers requests. */

export interface RenderJob {
  readonly source: DocumentSource;
  readonly format: DocumentFormat;
}

/** The document's bytes, or why there are none. */
export type RenderAnswer =
  | { readonly content: Uint8Array<ArrayBuffer> }
  | { readonly error: { readonly message: string; readonly stack: string | undefined } };

parentPort?.on('message', (job: RenderJob) => {
  void answer(job);
});

async function answer({ source, format }: RenderJob): Promise<void> {
  try {
    const rendered = await renderDocument(source, format);
    // A copy of its own: small buffers share their memory, and what is transferred is gone here.
    const content = Uint8Array.from(Buffer.from(rendered));
    parentPort?.postMessage({ content } satisfies RenderAnswer, [content.buffer]);
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    parentPort?.postMessage({ error: { message, stack } } satisfies RenderAnswer);
  }
}
