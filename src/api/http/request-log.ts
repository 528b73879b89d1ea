import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { trace } from '@opentelemetry/api';
import type { Request, RequestHandler } from 'express';
import { pinoHttp } from 'pino-http';
import { withoutApiKeys } from '../../db/access/api-keys.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Metrics } from '../../observability/metrics/api-metrics.ts';

const REQUEST_ID_HEADER = 'x-request-id';
const SANE_REQUEST_ID = /^[\w.:-]{1,128}$/;

/** The key that a request came with. */
interface LoggedCaller {
  readonly keyId: string;
  readonly scope: string;
  readonly label: string;
}
const callers = new WeakMap<ServerResponse, LoggedCaller>();

/** Adds the key to this request's log line and trace. */
export function noteCaller(
  response: ServerResponse,
  { keyId, scope, label, tenantId }: LoggedCaller & { readonly tenantId: string | null },
): void {
  callers.set(response, { keyId, scope, label });
  const tenant = tenantId !== null && { 'arcadia.tenant_ids': [tenantId] };
  trace.getActiveSpan()?.setAttributes({ 'arcadia.key_id': keyId, ...tenant });
}

/** Logs one line per request, without body, headers or query. The request id links it to other lines. */
export function logRequests(logger: Logger): RequestHandler {
  return pinoHttp({
    logger,
    genReqId: (request, response) => {
      const id = takeRequestId(request);
      response.setHeader('X-Request-Id', id);
      return id;
    },
    serializers: {
      req: ({ id, method, url }: { id: string; method: string; url: string }) => ({
        id,
        method,
        path: withoutApiKeys(url.split('?', 1)[0] ?? ''),
      }),
      res: ({ statusCode }: { statusCode: number }) => ({ status: statusCode }),
    },
    // pino-http would invent an error; the real one was logged where it was answered.
    customErrorObject: (_request, _response, _error, { err: _err, ...line }: { err?: unknown }) =>
      line,
    customProps: (_request, response) => {
      const key = callers.get(response);
      return key === undefined ? {} : { key };
    },
    customLogLevel: (_request, response, error) => {
      if (error || response.statusCode === 500) return 'error';
      if (response.statusCode > 500) return 'warn';
      return response.statusCode >= 400 ? 'info' : 'debug';
    },
  });
}

/** Returns the request's id in the log. */
export function requestIdOf(request: Request): string {
  return typeof request.id === 'string' ? request.id : '';
}

/** Counts requests by route pattern. */
export function countRequests(metrics: Metrics): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    response.on('close', () => {
      const matched = request.route as { readonly path: string } | undefined;
      metrics.httpRequest(
        {
          method: request.method,
          route: matched?.path ?? 'unknown',
          // Nothing was sent: the client closed the connection.
          status: response.headersSent ? response.statusCode : 499,
        },
        (performance.now() - startedAt) / 1000,
      );
    });
    next();
  };
}

/** Returns the sender's request id if it is safe to log, otherwise a new one. */
function takeRequestId(request: IncomingMessage): string {
  const sent = request.headers[REQUEST_ID_HEADER];
  const isSane = typeof sent === 'string' && SANE_REQUEST_ID.test(sent);
  return isSane && withoutApiKeys(sent) === sent ? sent : randomUUID();
}
