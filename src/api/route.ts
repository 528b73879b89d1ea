import type { z } from 'zod';
import type { Scope } from '../db/api-keys.ts';
import { toFieldErrors } from '../ingestion/field-errors.ts';
import type { Caller } from './auth.ts';
import type { ApiDeps } from './deps.ts';
import { isOperatorAction, recordCall } from './operator-action.ts';
import { invalidRequest, type ProblemName } from './problems.ts';

/** An answer that a route can give. */
export interface ResponseDefinition {
  readonly description: string;
  readonly schema: z.ZodType;
  /** By default JSON; of anything else the body is its text. */
  readonly contentType?: string;
}

/** The methods that routes have; GET serves HEAD, too. */
export const METHODS = ['get', 'post', 'put', 'delete'] as const;

/** What a route is, for the router and for the OpenAPI document alike. */
export interface RouteDefinition {
  readonly method: (typeof METHODS)[number];
  /** As in OpenAPI: `/api/v1/invoices/{invoice_id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Which keys it takes; null: it needs none. */
  readonly scopes: readonly Scope[] | null;
  /** Where the method isn't GET and the route changes nothing all the same. */
  readonly readOnly?: boolean;
  /** False where something else bounds it. */
  readonly rateLimited: boolean;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** What to document where the handler checks parts of the body by itself. */
  readonly documentedBody?: z.ZodType;
  readonly responses: Readonly<Record<number, ResponseDefinition>>;
  /** Beyond those that come with a body, a query, scopes and so on. */
  readonly problems?: readonly ProblemName[];
}

/** A request as it came in. */
export interface IncomingCall {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  /** Null on a route without scopes. */
  readonly caller: Caller | null;
  /** Under which the log has it. */
  readonly requestId: string;
}

/** An answer that has been checked against the route's definition. */
export interface OutgoingReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: unknown;
}

export interface Route extends RouteDefinition {
  /** Checks the call, handles it (on record where it is an operator's action), checks the reply. */
  handle(call: IncomingCall, deps: ApiDeps): Promise<OutgoingReply>;
}

type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined;
type Responses = RouteDefinition['responses'];

/** One of the route's answers. */
type Reply<R extends Responses> = {
  [Status in keyof R & number]: {
    readonly status: Status;
    readonly body: DeepReadonly<z.input<R[Status]['schema']>>;
  };
}[keyof R & number];

/** Replies are only read. */
type DeepReadonly<T> = T extends readonly (infer Element)[]
  ? readonly DeepReadonly<Element>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** An answer, with its status as a literal type. */
export function reply<const Status extends number, Body>(status: Status, body: Body) {
  return { status, body };
}

/** What a handler gets: checked, and typed by the route's schemas. */
interface Call<D extends RouteDefinition> {
  readonly params: Parsed<D['params']>;
  readonly query: Parsed<D['query']>;
  readonly body: Parsed<D['body']>;
  readonly caller: D['scopes'] extends null ? null : Caller;
}

type Handler<D extends RouteDefinition> = (
  call: Call<D>,
  deps: ApiDeps,
) => Promise<Reply<D['responses']>>;

/** Makes a route of its definition and its handler. */
export function defineRoute<const D extends RouteDefinition>(
  definition: D,
  handler: Handler<D>,
): Route {
  return {
    ...(definition as RouteDefinition),
    async handle(incoming, deps) {
      const call = {
        params: check(definition.params, incoming.params, 'parameter'),
        query: check(definition.query, incoming.query, 'parameter'),
        body: check(definition.body, incoming.body, 'pointer'),
        caller: incoming.caller,
      };
      // The schemas have just made it so; the compiler can't follow them.
      const run = async () => checkReply(definition, await handler(call as Call<D>, deps));
      const { caller, requestId } = incoming;
      return isOperatorAction(definition, caller)
        ? recordCall(definition, { ...call, caller, requestId }, deps, run)
        : run();
    },
  };
}

function check(
  schema: z.ZodType | undefined,
  value: unknown,
  place: 'parameter' | 'pointer',
): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidRequest(
    toFieldErrors(result.error.issues).map(({ pointer, detail }) =>
      place === 'pointer' ? { pointer, detail } : { parameter: pointer.slice(1), detail },
    ),
  );
}

/** @throws ZodError for a reply that isn't what the document promises: a fault of ours */
function checkReply(
  { responses, operationId }: RouteDefinition,
  { status, body }: { readonly status: number; readonly body: unknown },
): OutgoingReply {
  const response = responses[status];
  if (!response) throw new Error(`${operationId} doesn't define the status ${status}`);
  return {
    status,
    contentType: response.contentType ?? 'application/json; charset=utf-8',
    body: response.schema.parse(body),
  };
}
