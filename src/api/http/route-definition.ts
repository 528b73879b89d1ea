import type { z } from 'zod';
import type { Scope } from '../../db/access/api-keys.ts';
import type { Logger } from '../../lib/logger.ts';
import type { HeaderDocument } from './answer-headers.ts';
import type { Caller } from './authenticate.ts';
import type { CallDeps } from './api-deps.ts';
import type { ProblemName } from './problems.ts';
import type { StreamBounds } from './stream-bounds.ts';

/** An answer that a route can give. */
export interface ResponseDefinition {
  readonly description: string;
  readonly schema: z.ZodType;
  /** By default JSON; of anything else the body is its text. */
  readonly contentType?: string;
  /** Beyond those of every answer. */
  readonly headers?: Readonly<Record<string, HeaderDocument>>;
  /** For the documentation, where the one that is made of the schema says too little. */
  readonly example?: unknown;
}

/** What a route takes and answers line by line, where it also takes a stream. */
export interface StreamDefinition {
  readonly contentType: string;
  readonly description: string;
  /** One line of the body; for the document: the handler checks lines by itself. */
  readonly line: z.ZodType;
  /** One line of the answer. */
  readonly answer: z.ZodType;
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
  /** By key, or by address where it needs none; false where something else bounds it. */
  readonly rateLimited: boolean;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Bytes of a body, plain and unpacked; by default `MAX_BODY_BYTES`. */
  readonly maxBodyBytes?: number;
  /**
   * Entries of all lists of the body together; by default `MAX_ENTRIES`. Null: the handler bounds what it
   * looks at, because one bad event must not sink its batch.
   */
  readonly maxEntries?: number | null;
  /** What to document where the handler checks parts of the body by itself. */
  readonly documentedBody?: z.ZodType;
  /** Beside JSON, another media type, read as it comes. */
  readonly stream?: StreamDefinition;
  /** Bodies for the documentation, by what they show; without them one is made of the schema. */
  readonly bodyExamples?: Readonly<Record<string, unknown>>;
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

/** A request with a body that is read while it is answered. */
export interface IncomingStream extends Omit<IncomingCall, 'body'>, StreamContext {}

/** What a stream's handler gets beside what was checked. */
export interface StreamContext {
  /** The body, as it comes. */
  readonly chunks: AsyncIterable<Buffer>;
  /** To be told of lines and answers; `chunks` counts for itself. */
  readonly bounds: StreamBounds;
  readonly requestId: string;
  readonly logger: Logger;
}

/** An answer that has been checked against the route's definition. */
export interface OutgoingReply {
  readonly status: number;
  readonly contentType: string;
  /** Text, bytes, something that JSON can say, a shared document, or a stream of texts. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** A route, ready to be mounted. */
export interface Route extends RouteDefinition {
  /** Checks the call, handles it (on record where it is an operator's action), checks the reply. */
  handle(call: IncomingCall, deps: CallDeps): Promise<OutgoingReply>;
  /** The same for a stream; null where it takes none. */
  readonly handleStream: ((call: IncomingStream, deps: CallDeps) => Promise<OutgoingReply>) | null;
}
