import { z } from 'zod';
import { markup, type Markup } from '../../../lib/markup.ts';

/** What has happened, on the page that an action leads to. The URL has a code, never the text. */

const DONE = {
  paid: 'The payment is recorded.',
  'paid-before': 'This payment was recorded before. It counts once; nothing has changed.',
  credited: 'The credit is given. Its adjustment note is below.',
  voided: 'The invoice is void.',
  released: 'The tenant sees this month now.',
  excluded: 'The event is excluded. An invoice that bills it changes when its month is rerun.',
  replayed: 'Replayed. The deliveries are pending: a worker sends them within seconds.',
  'item-added': 'The charge or credit is recorded.',
  'item-withdrawn': 'The charge or credit is withdrawn.',
} as const;
export type Done = keyof typeof DONE;

const codes = Object.keys(DONE) as [Done, ...Done[]];

/** The query of a page that an action leads to. Unknown codes say nothing. */
export const doneQuery = { done: z.enum(codes).optional().catch(undefined) };

/** Returns the path of a page, with what has happened. @param path with or without a query */
export function doneHref(path: string, done: Done): string {
  const url = new URL(path, 'http://page');
  url.searchParams.set('done', done);
  return `${url.pathname}${url.search}`;
}

/** Renders what has happened; nothing without a code. */
export function doneNote(done: Done | undefined): Markup {
  if (done === undefined) return markup``;
  return markup`<p class="note good" role="status"><span aria-hidden="true">✓</span> ${DONE[done]}</p>
`;
}
