import type { Request, RequestHandler } from 'express';
import { PROBLEMS, type HttpProblem } from '../http/problems.ts';
import { markup } from '../../lib/markup.ts';
import { layout } from './views/layout.ts';

/** Paths that people open in a browser. */
const PAGE_PATH = /^\/(?:operator|tenant|quote|sign-in|sign-out|assets)(?:\/|$)/;

/** Allows our own style sheet and script, and nothing else. */
const PAGES_CSP = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Sets the headers of pages, including problem pages. */
export const pagesOnly: RequestHandler = ({ path }, response, next) => {
  if (PAGE_PATH.test(path)) {
    response.set({
      'Content-Security-Policy': PAGES_CSP,
      // With `no-referrer`, browsers would send forms with the origin "null".
      'Referrer-Policy': 'same-origin',
    });
  }
  next();
};

/** Whether a problem should be shown as a page instead of problem details. */
export function wantsPage(request: Request): boolean {
  return PAGE_PATH.test(request.path) && request.accepts(['json', 'html']) === 'html';
}

/** Renders a problem as a page. */
export function toProblemPage({ problem, message }: HttpProblem, requestId: string): string {
  return problemPage({ ...PROBLEMS[problem], detail: message, requestId });
}

export interface ProblemView {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly advice: string;
  readonly requestId: string;
}

/**
 * Renders an error page, with the same content as problem details. Signed-in visitors are redirected from
 * `/sign-in?then=` to their start page.
 */
export function problemPage({ status, title, detail, advice, requestId }: ProblemView): string {
  return layout({
    title,
    visitor: null,
    main: markup`<p class="note bad">${detail}</p>
<p>${advice}</p>
<p class="soft">Status ${status}. Request id in the logs: <span class="id">${requestId}</span></p>
<ul class="links"><li><a href="/sign-in?then=">Start page</a></li><li><a href="/quote">Quote</a></li><li><a href="/sign-in">Sign in with another key</a></li></ul>
`,
  });
}
