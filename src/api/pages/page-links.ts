import { cursorParam } from '../http/paging.ts';

/** Of the query of a page with a next one. */
export const pageQuery = { cursor: cursorParam };

/**
 * The same page from the next entry on.
 * @param path with its query
 * @returns null after the last one
 */
export function nextHref(path: string, cursor: string | null): string | null {
  if (cursor === null) return null;
  const url = new URL(path, 'http://page');
  url.searchParams.set('cursor', cursor);
  return `${url.pathname}${url.search}`;
}
