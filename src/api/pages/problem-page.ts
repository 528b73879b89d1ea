import type { Request, RequestHandler } from 'express';
import { PROBLEMS, type HttpProblem } from '../http/problems.ts';
import { markup } from '../../lib/markup.ts';
import { layout } from './views/layout.ts';

/** The paths that people open in a browser. */
const PAGE_PATH = /^\/(?:operator|quote|sign-in|sign-out|assets)(?:\/|$)/;

/** From our own host a style sheet, a script that refreshes, and nothing else from anywhere. */
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

/** Headers of pages, their problems included. */
export const pagesOnly: RequestHandler = ({ path }, response, next) => {
  if (PAGE_PATH.test(path)) {
    response.set({
      'Content-Security-Policy': PAGES_CSP,
      // Without a referrer at all, browsers would send forms with the origin "null".
      'Referrer-Policy': 'same-origin',
    });
  }
  next();
};

/** Whether a problem is to be told to people, and not to programs. */
export function wantsPage(request: Request): boolean {
  return PAGE_PATH.test(request.path) && request.accepts(['json', 'html']) === 'html';
}

/** A problem as a page. */
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

/** An error, for people; what the API answers as problem details. */
export function problemPage({ status, title, detail, advice, requestId }: ProblemView): string {
  return layout({
    title,
    visitor: null,
    main: markup`<p class="note bad">${detail}</p>
<p>${advice}</p>
<p class="soft">Status ${status}. Our logs have it under <span class="id">${requestId}</span>.</p>
<ul class="links"><li><a href="/operator/months">Months</a></li><li><a href="/quote">Quote</a></li><li><a href="/sign-in">Sign in with another key</a></li></ul>
`,
  });
}
