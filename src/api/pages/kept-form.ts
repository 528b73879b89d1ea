import { unescape } from 'node:querystring';
import type { CallDeps } from '../http/api-deps.ts';
import { HttpProblem } from '../http/problems.ts';
import { page, type Form, type PageReply, type PageRoute } from './page-definition.ts';
import { toForm } from './sent-form.ts';
import { keptFormPage } from './views/kept-form-html.ts';

/**
 * A form that arrives after its session has ended isn't lost: the sign-in page carries what was typed, in a hidden
 * field. Nothing is stored here, and nothing is done until the visitor has signed in, seen it and clicked.
 */

/** The sign-in form encodes it once more, at up to three bytes for one, and has to stay below its own limit. */
const MAX_KEPT_BYTES = 40 * 1024;

/** Returns the fields of a form as one text; null if they are too large to be kept. */
export function keepForm({ fields }: Form): string | null {
  const kept = toParams(fields).toString();
  return kept.length > MAX_KEPT_BYTES ? null : kept;
}

/** Returns the form that was kept as a text. */
export function keptForm(kept: string): Form {
  return toForm(new URLSearchParams(kept));
}

/**
 * Shows the form of an ended session to its visitor, as it was typed: on its own page if that asks before it does
 * anything, otherwise as a table with a button that sends it.
 * @param incoming with the path that the form goes to
 */
export async function showKeptForm(
  routes: readonly PageRoute[],
  incoming: Omit<KeptCall, 'params' | 'query'>,
  deps: CallDeps,
): Promise<PageReply> {
  const { path: action, form, signedIn } = incoming;
  const { pathname, searchParams: query } = new URL(action, 'http://page');
  for (const route of routes.filter(({ asksFirst = false }) => asksFirst)) {
    const params = paramsIn(pathname, route.path);
    if (params === null || !route.scopes.includes(signedIn.caller.scope)) continue;
    try {
      return await route.handle({ ...incoming, params, query, form: unconfirmed(form) }, deps);
    } catch (error) {
      // What the form is about may be gone. What was typed isn't.
      if (!(error instanceof HttpProblem)) throw error;
    }
  }
  return page(keptFormPage({ visitor: signedIn.visitor, action, fields: form.fields }));
}

type KeptCall = Parameters<PageRoute['handle']>[0];

/** Returns a form of which nothing is confirmed. */
function unconfirmed({ fields }: Form): Form {
  return toForm(toParams(fields.filter(([name]) => name !== 'seen' && name !== 'confirmed')));
}

function toParams(fields: Form['fields']): URLSearchParams {
  return new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value]));
}

/** Returns the parameters that a path has where an Express pattern names them; null if it has another form. */
function paramsIn(path: string, pattern: string): Readonly<Record<string, string>> | null {
  const names = new RegExp(`^${pattern.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`);
  const found = names.exec(path);
  if (found === null) return null;
  const params = Object.entries(found.groups ?? {});
  // Unlike decodeURIComponent, it doesn't throw.
  return Object.fromEntries(params.map(([name, value]) => [name, unescape(value)]));
}
