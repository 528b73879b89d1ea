import express, { type Request, type Response } from 'express';
import { refuseNul } from '../http/request-head.ts';
import { HttpProblem } from '../http/problems.ts';
import { readWithin } from '../http/read-body.ts';
import type { Form } from './page-definition.ts';
import { timingSafeEqual } from 'node:crypto';
import { FORM_TOKEN } from './views/layout.ts';
import type { Session } from './session.ts';

/** The media type of forms. */
export const FORM_TYPE = 'application/x-www-form-urlencoded';
/** Room for a thousand tenants and a reason. */
const MAX_FORM_BYTES = 128 * 1024;
const readBytes = express.raw({ limit: MAX_FORM_BYTES, type: FORM_TYPE, inflate: false });

/**
 * Reads a submitted form.
 * @throws HttpProblem `unsupported-media-type`, `request-timeout`, `malformed-request`; the body parser's own errors
 */
export async function readForm(
  request: Request,
  response: Response,
  timeoutMs: number,
): Promise<Form> {
  if (request.is(FORM_TYPE) === false) {
    throw new HttpProblem('unsupported-media-type', `send a form as ${FORM_TYPE}`);
  }
  const bytes = await readWithin(timeoutMs, readBytes, request, response);
  const encoded = bytes?.toString() ?? '';
  refuseNul(encoded, 'the form');
  return toForm(new URLSearchParams(encoded));
}

export function toForm(fields: URLSearchParams): Form {
  return {
    text: (name) => fields.get(name) ?? '',
    all: (name) => fields.getAll(name),
    fields: [...fields],
  };
}

/** Whether a form was made by a page of this session. */
export function isFormOf({ formToken }: Session, form: Form): boolean {
  const [expected, sent] = [Buffer.from(formToken), Buffer.from(form.text(FORM_TOKEN))];
  return expected.length === sent.length && timingSafeEqual(expected, sent);
}

/** Returns the problem of a form that was made by a page of another session. */
export function foreignForm(): HttpProblem {
  return new HttpProblem('forbidden', 'this form belongs to another session: reload its page');
}
