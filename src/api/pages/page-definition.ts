import type { z } from 'zod';
import type { Queryable } from '../../db/pool.ts';
import type { Scope } from '../../db/access/api-keys.ts';
import type { Visitor } from './views/layout.ts';
import type { Caller } from '../http/authenticate.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import { HttpProblem } from '../http/problems.ts';
import { check } from '../http/request-fields.ts';
import { requireKnown } from '../routes/require-known.ts';
import type { ApiDeps, CallDeps } from '../http/api-deps.ts';
import type { OutgoingReply } from '../http/route-definition.ts';
import { cursorParam } from '../http/paging.ts';

/** The response of a page. */
export type PageReply = OutgoingReply;

/** A submitted form. */
export interface Form {
  /** Returns the field's text; empty if it was not sent. */
  text(name: string): string;
  /** Returns all texts of a field that may occur more than once. */
  all(name: string): readonly string[];
  /** All fields, with their names, in the order of the page. */
  readonly fields: readonly (readonly [string, string])[];
}

/** A request for a page, before validation. */
export interface IncomingPage {
  readonly params: unknown;
  readonly query: URLSearchParams;
  /** Empty for GET. */
  readonly form: Form;
  /** Null on pages that require no sign-in. */
  readonly signedIn: SignedIn | null;
  readonly requestId: string;
  /** With the query. */
  readonly path: string;
}

export interface SignedIn {
  readonly caller: Caller;
  readonly visitor: Visitor;
}

/** A page for the router. Pages are not part of the API, so the OpenAPI document omits them. */
export interface PageRoute {
  readonly method: 'get' | 'post';
  /** As in Express. */
  readonly path: string;
  /** Scopes of the sessions it accepts. */
  readonly scopes: readonly Scope[];
  /** Of a POST: whether a form that isn't confirmed is only shown again, with what was typed (`unconfirmed`). */
  readonly asksFirst?: boolean;
  handle(
    incoming: IncomingPage & { readonly signedIn: SignedIn },
    deps: CallDeps,
  ): Promise<PageReply>;
}

interface PageDefinition {
  readonly method?: 'get' | 'post';
  readonly path: string;
  readonly params?: z.ZodType;
  /** Schema of the URL's query. Empty parameters count as absent, because forms send empty fields. */
  readonly query?: z.ZodType;
}

type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined;

type PageCall<D extends PageDefinition> = Omit<IncomingPage, 'params' | 'query' | 'signedIn'> &
  SignedIn & { readonly params: Parsed<D['params']>; readonly query: Parsed<D['query']> };

/** Defines a page for operators. */
export function operatorPage<const D extends PageDefinition>(
  definition: D,
  handler: (call: PageCall<D>, deps: ApiDeps) => Promise<PageReply>,
): PageRoute {
  // For operators `depsFor` returns the unrestricted database.
  return toRoute(definition, ['operator'], (call, deps) => handler(call, deps as ApiDeps));
}

/** Defines a page for a tenant's key, whose tenant it gets. `db` shows only that tenant's rows. */
export function tenantPage<const D extends PageDefinition>(
  definition: D,
  handler: (
    call: PageCall<D> & { readonly tenantId: string },
    deps: CallDeps,
  ) => Promise<PageReply>,
): PageRoute {
  return toRoute(definition, ['tenant'], (call, deps) => {
    const { tenantId } = call.caller;
    if (tenantId === null) throw new Error('a key of the scope tenant has no tenant');
    return handler({ ...call, tenantId }, deps);
  });
}

/**
 * Defines a page of a tenant's account: the tenant has it under `/tenant`, and operators under the page of the tenant.
 * `db` shows a tenant's key only its own rows.
 * @param definition with the path below those
 */
export function accountPages<const D extends PageDefinition>(
  definition: D,
  handler: (
    call: PageCall<D> & { readonly tenantId: string },
    deps: CallDeps,
  ) => Promise<PageReply>,
): readonly [PageRoute, PageRoute] {
  const under = (root: string): D => ({ ...definition, path: `${root}${definition.path}` });
  const ofOperators = under(OPERATORS_TENANT);
  return [
    tenantPage<D>(under('/tenant'), handler),
    {
      method: definition.method ?? 'get',
      path: ofOperators.path,
      scopes: ['operator'],
      handle: async ({ params, ...incoming }, deps) => {
        const { tenant_id: asked = '', ...others } = params as Readonly<Record<string, string>>;
        const tenantId = await requireTenant(deps.db, asked);
        const route = toRoute(ofOperators, ['operator'], (call) =>
          handler({ ...call, tenantId }, deps),
        );
        return route.handle({ ...incoming, params: others }, deps);
      },
    },
  ];
}

/** The path of the operators' page of a tenant, as in Express. */
export const OPERATORS_TENANT = '/operator/tenants/:tenant_id';

/** Returns the id of a tenant that a path names. @throws HttpProblem `not-found` */
export async function requireTenant(db: Queryable, asked: string): Promise<string> {
  const isId = externalId.safeParse(asked).success;
  if (!isId) throw new HttpProblem('not-found', `there is no tenant ${asked}`);
  await requireKnown(db, 'tenant', asked);
  return asked;
}

/**
 * Defines a page that operators have under `/operator` and tenants under `/tenant`. Tenants see only what their key may
 * read.
 * @param definition with the path below those
 */
export function pagesOfBoth<const D extends PageDefinition>(
  definition: D,
  handler: (call: PageCall<D>, deps: CallDeps) => Promise<PageReply>,
): readonly [PageRoute, PageRoute] {
  const under = (root: string): D => ({ ...definition, path: `${root}${definition.path}` });
  return [
    toRoute(under('/operator'), ['operator'], handler),
    toRoute(under('/tenant'), ['tenant'], handler),
  ];
}

/** Defines a page for operators and tenants under one path. Tenants see only what their key may read. */
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
      // Safe: the schemas have just validated it, which the compiler can't see.
      return handler(call as PageCall<D>, deps);
    },
  };
}

/** Returns the non-empty parameters by name; of repeated ones the last. */
function present(query: URLSearchParams): Record<string, string> {
  return Object.fromEntries([...query].filter(([, value]) => value.trim() !== ''));
}

/** Makes a response from a page's HTML. */
export function page(html: string, status = 200): PageReply {
  return { status, contentType: 'text/html; charset=utf-8', body: html, headers: {} };
}

/** Makes a redirect to another path of ours, by GET. */
export function seeOther(path: string, headers: Readonly<Record<string, string>> = {}): PageReply {
  return { ...page('', 303), headers: { ...headers, Location: path } };
}

/** Query fields of a list in pages. */
export const pageQuery = { cursor: cursorParam };

/**
 * Returns the link to the next page of a list.
 * @param path of the current page, with its query
 * @returns null on the last page
 */
export function nextHref(path: string, cursor: string | null): string | null {
  if (cursor === null) return null;
  const url = new URL(path, 'http://page');
  url.searchParams.set('cursor', cursor);
  // What was done is said once.
  url.searchParams.delete('done');
  return `${url.pathname}${url.search}`;
}
