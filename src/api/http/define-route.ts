import type { z } from 'zod';
import type { Caller } from './authenticate.ts';
import { MAX_ENTRIES, boundBody } from './body-limits.ts';
import { check } from './request-fields.ts';
import type { ApiDeps, CallDeps } from './api-deps.ts';
import { isOperatorAction, recordCall, recordStream } from './record-call.ts';
import type {
  IncomingCall,
  OutgoingReply,
  Route,
  RouteDefinition,
  StreamContext,
} from './route-definition.ts';

/** The default content type of responses. */
export const JSON_TYPE = 'application/json; charset=utf-8';

type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined;
type Responses = RouteDefinition['responses'];

/** One of the route's responses. */
type Reply<R extends Responses> = {
  [Status in keyof R & number]: {
    readonly status: Status;
    readonly body: DeepReadonly<z.input<R[Status]['schema']>>;
    readonly headers?: Readonly<Record<string, string>>;
  };
}[keyof R & number];

/** Replies are only read, so handlers may pass readonly data. */
type DeepReadonly<T> = T extends readonly (infer Element)[]
  ? readonly DeepReadonly<Element>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/**
 * Makes a reply whose status is a literal type.
 * @param headers in addition to those of every response
 */
export function reply<const Status extends number, Body>(
  status: Status,
  body: Body,
  headers: Readonly<Record<string, string>> = {},
) {
  return { status, body, headers };
}

/** The input of a handler: validated, and typed by the route's schemas. */
interface Call<D extends RouteDefinition> {
  readonly params: Parsed<D['params']>;
  readonly query: Parsed<D['query']>;
  readonly body: Parsed<D['body']>;
  readonly upload: D['upload'] extends object ? StreamContext : undefined;
  readonly caller: D['scopes'] extends null ? null : Caller;
}

/** A route that accepts tenant keys only gets what such a key may read. */
type DepsOf<D extends RouteDefinition> = D['scopes'] extends readonly (infer S)[]
  ? 'tenant' extends S
    ? CallDeps
    : ApiDeps
  : ApiDeps;

type Handler<D extends RouteDefinition> = (
  call: Call<D>,
  deps: DepsOf<D>,
) => Promise<Reply<D['responses']>>;

/**
 * Answers a stream line by line. An error thrown before it returns becomes a problem response. After that
 * the status has been sent, so the lines have to report errors.
 */
type StreamHandler<D extends RouteDefinition> = (
  call: StreamCall<D>,
  deps: DepsOf<D>,
) => AsyncIterable<string>;
type StreamCall<D extends RouteDefinition> = Omit<Call<D>, 'body' | 'upload'> & StreamContext;

/**
 * Makes a route from its definition and handler.
 * @param streamHandler required if the definition has a `stream`
 */
export function defineRoute<const D extends RouteDefinition>(
  definition: D,
  handler: Handler<D>,
  streamHandler?: StreamHandler<D>,
): Route {
  const {
    params,
    query,
    body: bodySchema,
    stream,
    maxEntries = MAX_ENTRIES,
  } = definition as RouteDefinition;
  const checkHead = (incoming: Omit<IncomingCall, 'body'>) => ({
    params: check(params, incoming.params, 'parameter'),
    query: check(query, incoming.query, 'parameter'),
    caller: incoming.caller,
  });
  // The casts below are safe: the schemas and the scope check establish the types, which the compiler can't see.
  return {
    ...(definition as RouteDefinition),
    async handle(incoming, deps) {
      if (maxEntries !== null) boundBody(incoming.body, maxEntries);
      const body = check(bodySchema, incoming.body, 'pointer');
      const call = { ...checkHead(incoming), body, upload: incoming.upload };

      const run = async () =>
        checkReply(definition, await handler(call as Call<D>, deps as DepsOf<D>));
      const { caller, requestId } = incoming;
      return isOperatorAction(definition, caller)
        ? recordCall(definition, { ...call, caller, requestId }, deps, run)
        : run();
    },
    handleStream:
      stream && streamHandler
        ? async (incoming, deps) => {
            const { chunks, bounds, logger, caller, requestId } = incoming;
            const head = { ...checkHead(incoming), requestId };
            const call = { ...head, chunks, bounds, logger } as unknown as StreamCall<D>;
            const lines = streamHandler(call, deps as DepsOf<D>);
            const body = isOperatorAction(definition, caller)
              ? await recordStream(definition, { ...head, caller }, deps, lines)
              : lines;
            return { status: 200, contentType: stream.contentType, body, headers: {} };
          }
        : null,
  };
}

/** @throws ZodError for a reply that breaks the OpenAPI document: a bug of ours */
function checkReply(
  { responses, operationId }: RouteDefinition,
  { status, body, headers = {} }: Pick<OutgoingReply, 'status' | 'body'> & Partial<OutgoingReply>,
): OutgoingReply {
  const response = responses[status];
  if (!response) throw new Error(`${operationId} doesn't define the status ${status}`);
  return {
    status,
    contentType: response.contentType ?? JSON_TYPE,
    body: response.schema.parse(body),
    headers,
  };
}
