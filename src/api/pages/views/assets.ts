import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A file that pages load, from our own host alone. */
export interface Asset {
  /** Changes with its content: it may be kept for ever. */
  readonly path: string;
  readonly contentType: string;
  readonly body: string;
}

export const STYLESHEET = asset('pages.css', 'text/css; charset=utf-8');
export const LIVE_SCRIPT = asset('live.js', 'text/javascript; charset=utf-8');

function asset(name: string, contentType: string): Asset {
  const body = readFileSync(new URL(`./assets/${name}`, import.meta.url), 'utf8');
  const version = createHash('sha256').update(body).digest('hex').slice(0, 16);
  return { path: `/assets/${version}/${name}`, contentType, body };
}
