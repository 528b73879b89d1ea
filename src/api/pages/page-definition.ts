import type { z } from 'zod';
import type { Scope } from '../../db/access/api-keys.ts';
import type { Visitor } from './views/layout.ts';
import type { Caller } from '../http/authenticate.ts';
import { check } from '../http/request-fields.ts';
import type { ApiDeps, CallDeps } from '../http/api-deps.ts';
import type { OutgoingReply } from '../http/route-definition.ts';
import { cursorParam } from '../http/paging.ts';

/** What a page answers. */
export type PageReply = OutgoingReply;

/** A form that was sent. */
export interface Form {
  /** The field's text; empty where it wasn't sent. */
  text(name: string): string;
  /** Every text of a field that may be there more than once. */
  all(name: string): readonly string[];
}

/** A request for a page, as it came in. */
export interface IncomingPage {
  readonly params: unknown;
  readonly query: URLSearchParams;
  /** Empty with GET. */
  readonly form: Form;
  /** Null on a page without scopes, where nobody is signed in. */
  readonly signedIn: SignedIn | null;
  readonly requestId: string;
  /** With its query. */
  readonly path: string;
}

export interface SignedIn {
  readonly caller: Caller;
  readonly visitor: Visitor;
}

/** A page, for the router. Pages are no part of the API: the OpenAPI document doesn't know them. */
export interface PageRoute {
  readonly method: 'get' | 'post';
  /** As in Express. */
  readonly path: string;
  /** Whose session it takes. */
  readonly scopes: readonly Scope[];
  handle(
    incoming: IncomingPage & { readonly signedIn: SignedIn },
    deps: CallDeps,
  ): Promise<PageReply>;
}

interface PageDefinition {
  readonly method?: 'get' | 'post';
  readonly path: string;
  readonly params?: z.ZodType;
  /** Of the parameters of its URL; those that are empty count as absent, as forms send them. */
  readonly query?: z.ZodType;
}

type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined;

type PageCall<D extends PageDefinition> = Omit<IncomingPage, 'params' | 'query' | 'signedIn'> &
  SignedIn & { readonly params: Parsed<D['params']>; readonly query: Parsed<D['query']> };

/** A page for operators. */
export function operatorPage<const D extends PageDefinition>(
  definition: D,
  handler: (call: PageCall<D>, deps: ApiDeps) => Promise<PageReply>,
): PageRoute {
  // An operator's calls get the whole database: see `depsFor`.
  return toRoute(definition, ['operator'], (call, deps) => handler(call, deps as ApiDeps));
}

/** A page for operators and tenants, who see what their key may read. */
export function signedInPage<const D extends PageDefinition>(
  definition: D,
  handler: (call: PageCall<D>, deps: CallDeps) => Promise<PageReply>,
): PageRoute {
  return toRoute(definition, ['tenant', 'operator'], handler);
}

function toRoute<D extends PageDefinition>(
  { method = 'get', path, params, query }: D,
  scopes: readonly Scope[],
  handler: (call: PageCall<D>, deps: CallDeps) => Promise<PageReply>,
): PageRoute {
  return {
    method,
    path,
    scopes,
    handle: ({ signedIn, ...incoming }, deps) => {
      const call = {
        ...incoming,
        ...signedIn,
        params: check(params, incoming.params, 'parameter'),
        query: check(query, present(incoming.query), 'parameter'),
      };
      // The schemas have just made it so; the compiler can't follow them.
      return handler(call as PageCall<D>, deps);
    },
  };
}

/** By name, those that say something; of one that is there more than once, the last. */
function present(query: URLSearchParams): Record<string, string> {
  return Object.fromEntries([...query].filter(([, value]) => value.trim() !== ''));
}

/** A page. */
export function page(html: string, status = 200): PageReply {
  return { status, contentType: 'text/html; charset=utf-8', body: html, headers: {} };
}

/** On to another path of ours, by GET. */
export function seeOther(path: string, headers: Readonly<Record<string, string>> = {}): PageReply {
  return { ...page('', 303), headers: { ...headers, Location: path } };
}

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
