import type { Request, RequestHandler } from 'express';
import {
  PROBLEMS,
  type HttpProblem,
  type ProblemName,
  type RequestError,
} from '../http/problems.ts';
import { humanise } from '../../display/names.ts';
import { markup, type Markup } from '../../lib/markup.ts';
import { layout, rootOf, type Visitor } from './views/layout.ts';

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

/** What a person reads instead of a problem's title and advice, which are for programs. */
interface Words {
  readonly title: string;
  /** What to do after opening a page. */
  readonly advice: string;
  /** What to do after sending a form, if it is something else. */
  readonly formAdvice?: string;
}

const SEND_AGAIN =
  'Your form may or may not have taken effect. Reload this page to send the same form again: it counts once.';

const WORDS: Partial<Record<ProblemName, Words>> = {
  'not-found': {
    title: 'Not found',
    advice: 'The address may be mistyped or outdated.',
  },
  'method-not-allowed': {
    title: 'This address can’t be opened like this',
    advice: 'Start from one of the pages, and use its links and forms.',
  },
  forbidden: {
    title: 'This is not allowed',
    advice: 'Use your own pages, or sign in with another key.',
    formAdvice: 'Nothing was changed. Open the form again and fill it in there.',
  },
  'invalid-request': {
    title: 'This address is not valid',
    advice: 'Correct the address, or start from one of the pages above.',
    formAdvice: 'Nothing was changed. Go back, correct the form and send it again.',
  },
  'malformed-request': {
    title: 'This address can’t be read',
    advice: 'Correct the address, or start from one of the pages above.',
    formAdvice: 'Nothing was changed. Go back and send the form again.',
  },
  'too-large': {
    title: 'The form is too large',
    advice: 'Nothing was changed. Select fewer entries at once.',
  },
  'unsupported-media-type': {
    title: 'The form can’t be read',
    advice: 'Nothing was changed. Go back and send the form again.',
  },
  'request-timeout': {
    title: 'The form took too long to arrive',
    advice: 'Nothing was changed. Reload this page to send the form again.',
  },
  'rate-limited': {
    title: 'Too many requests',
    advice: 'Wait a moment, then reload this page.',
    formAdvice: 'Nothing was changed. Wait a moment, then reload this page to send the form again.',
  },
  'internal-error': {
    title: 'Something went wrong on our side',
    advice: 'Reload this page. If it fails again, report the request id below.',
    formAdvice: `${SEND_AGAIN} If it fails again, report the request id below.`,
  },
  overloaded: {
    title: 'The service is busy',
    advice: 'Wait a few seconds, then reload this page.',
    formAdvice:
      'Nothing was changed. Wait a few seconds, then reload this page to send the form again.',
  },
  'database-unavailable': {
    title: 'The database can’t be reached',
    advice: 'No data is lost. Wait a few seconds, then reload this page.',
    formAdvice: SEND_AGAIN,
  },
  'temporal-unavailable': {
    title: 'Temporal can’t be reached',
    advice: 'No data is lost. Wait a few seconds, then reload this page.',
    formAdvice: SEND_AGAIN,
  },
};

/** The request that failed, and who sent it. */
export interface FailedRequest {
  /** Null before sign-in, or if the database doesn't answer. */
  readonly visitor: Visitor | null;
  readonly isForm: boolean;
  readonly requestId: string;
  /** The response's Retry-After header; null without one. */
  readonly retryAfterSeconds: string | null;
}

/** Renders a problem as a page. Signed-in visitors keep their navigation. */
export function problemPage(
  { problem, message, errors }: HttpProblem,
  failed: FailedRequest,
): string {
  const { visitor, isForm, requestId, retryAfterSeconds } = failed;
  const { status, ...apiWords } = PROBLEMS[problem];
  const words: Words = WORDS[problem] ?? apiWords;
  const advice = isForm ? (words.formAdvice ?? words.advice) : words.advice;
  const details = errors.length === 0 ? [message] : errors.map(errorText);
  const wait = retryAfterSeconds === null ? '' : ` You can try again in ${retryAfterSeconds} s.`;
  return layout({
    title: words.title,
    visitor,
    main: markup`<div class="note bad">${details.map((detail) => markup`<p>${toSentence(detail)}</p>`)}</div>
<p>${advice}${wait}</p>
<ul class="links">${linksOf(problem, visitor)}</ul>
<p class="soft">Status ${status}. Request id in the logs: <span class="id">${requestId}</span></p>
`,
  });
}

function linksOf(problem: ProblemName, visitor: Visitor | null): Markup {
  const start = visitor === null ? '/sign-in?then=' : rootOf(visitor);
  const isForbidden = problem === 'forbidden' && visitor !== null;
  return markup`<li><a href="${start}">Start page</a></li>${isForbidden ? markup`<li><a href="/sign-in">Sign in with another key</a></li>` : ''}`;
}

function errorText({ parameter, pointer, detail }: RequestError): string {
  const place = parameter ?? pointer?.replace('/', '') ?? '';
  return place === '' ? detail : `${humanise(place)}: ${detail}`;
}

/** Starts with a capital, unless the first word is an id or a code, and ends with a full stop. */
function toSentence(detail: string): string {
  const begun = /^[a-z]+(?=[ ,:])/.test(detail)
    ? detail.charAt(0).toUpperCase() + detail.slice(1)
    : detail;
  return /[.?!]$/.test(begun) ? begun : `${begun}.`;
}
