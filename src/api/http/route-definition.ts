import type { z } from 'zod';
import type { Scope } from '../../db/access/api-keys.ts';
import type { Logger } from '../../lib/logger.ts';
import type { HeaderDocument } from './answer-headers.ts';
import type { Caller } from './authenticate.ts';
import type { CallDeps } from './api-deps.ts';
import type { ProblemName } from './problems.ts';
import type { StreamBounds } from './stream-bounds.ts';

/** A response that a route can give. */
export interface ResponseDefinition {
  readonly description: string;
  readonly schema: z.ZodType;
  /** By default JSON; with any other type the body is sent as it is. */
  readonly contentType?: string;
  /** In addition to those of every response. */
  readonly headers?: Readonly<Record<string, HeaderDocument>>;
  /** For the documentation, where the example generated from the schema is not enough. */
  readonly example?: unknown;
}

/** The lines of a route that also accepts a stream. */
export interface StreamDefinition {
  readonly contentType: string;
  readonly description: string;
  /** One line of the body, for the documentation; the handler validates lines itself. */
  readonly line: z.ZodType;
  /** One line of the response. */
  readonly answer: z.ZodType;
}

/** A body of any media type that the handler reads while it arrives. Its reply follows. */
export interface UploadDefinition {
  /** Limit for the decompressed body. */
  readonly maxBytes: number;
  /** The bodies, by media type, for the documentation. */
  readonly content: Readonly<
    Record<
      string,
      { readonly schema: z.ZodType; readonly examples: Readonly<Record<string, unknown>> }
    >
  >;
}

/** The methods of routes; GET also serves HEAD. */
export const METHODS = ['get', 'post', 'put', 'delete'] as const;

/** The definition of a route, for both the router and the OpenAPI document. */
export interface RouteDefinition {
  readonly method: (typeof METHODS)[number];
  /** As in OpenAPI: `/api/v1/invoices/{invoice_id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Scopes of the keys it accepts; null if it needs no key. */
  readonly scopes: readonly Scope[] | null;
  /** True if the route changes nothing although its method is not GET. */
  readonly readOnly?: boolean;
  /** By key, or by address without a key. False where something else limits it. */
  readonly rateLimited: boolean;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Limit for the decompressed body; by default `MAX_BODY_BYTES`. */
  readonly maxBodyBytes?: number;
  /**
   * Limit for the entries of all lists in the body; by default `MAX_ENTRIES`. Null if the handler has limits of
   * its own, because one bad event must not fail its batch.
   */
  readonly maxEntries?: number | null;
  /** The body's schema for the documentation, where the handler validates parts of it itself. */
  readonly documentedBody?: z.ZodType;
  /** A second media type besides JSON, read while it arrives. */
  readonly stream?: StreamDefinition;
  /** Instead of `body`. */
  readonly upload?: UploadDefinition;
  /** Example bodies by title; by default one is generated from the schema. */
  readonly bodyExamples?: Readonly<Record<string, unknown>>;
  readonly responses: Readonly<Record<number, ResponseDefinition>>;
  /** In addition to those that follow from the body, query, scopes and so on. */
  readonly problems?: readonly ProblemName[];
}

/** A request before validation. */
export interface IncomingCall {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  /** The body of a route with an `upload`. */
  readonly upload?: StreamContext;
  /** Null on a route without scopes. */
  readonly caller: Caller | null;
  /** Its id in the log. */
  readonly requestId: string;
}

/** A request whose body is read while it is answered. */
export interface IncomingStream extends Omit<IncomingCall, 'body'>, StreamContext {}

/** The additional input of a stream handler. */
export interface StreamContext {
  /** The body, as it arrives. Each chunk is gone when the next one is asked for. */
  readonly chunks: AsyncIterable<Buffer>;
  /** The handler reports lines and responses to it; `chunks` reports bytes itself. */
  readonly bounds: StreamBounds;
  readonly requestId: string;
  readonly logger: Logger;
}

/** A response that has been validated against the route's definition. */
export interface OutgoingReply {
  readonly status: number;
  readonly contentType: string;
  /** Text, bytes, a JSON value, a shared document, or a stream of texts. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** A route that can be mounted. */
export interface Route extends RouteDefinition {
  /** Validates the call, handles it (recorded if it is an operator's action), and validates the reply. */
  handle(call: IncomingCall, deps: CallDeps): Promise<OutgoingReply>;
  /** The same for a stream; null if the route accepts none. */
  readonly handleStream: ((call: IncomingStream, deps: CallDeps) => Promise<OutgoingReply>) | null;
}
