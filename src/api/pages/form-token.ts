import { timingSafeEqual } from 'node:crypto';
import { FORM_TOKEN } from './views/layout.ts';
import { HttpProblem } from '../http/problems.ts';
import type { Form } from './page-definition.ts';
import type { Session } from './session.ts';

/**
 * Refuses a form that no page of this session made.
 * @throws HttpProblem `forbidden`
 */
export function requireFormToken({ formToken }: Session, form: Form): void {
  const [expected, sent] = [Buffer.from(formToken), Buffer.from(form.text(FORM_TOKEN))];
  if (expected.length === sent.length && timingSafeEqual(expected, sent)) return;
  throw new HttpProblem('forbidden', 'this form is of another session: load its page again');
}
