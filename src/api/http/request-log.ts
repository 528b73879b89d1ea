import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { trace } from '@opentelemetry/api';
import type { Request, RequestHandler } from 'express';
import { pinoHttp } from 'pino-http';
import { withoutApiKeys } from '../../db/access/api-keys.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Metrics } from '../../observability/metrics/api.ts';

const REQUEST_ID_HEADER = 'x-request-id';
const SANE_REQUEST_ID = /^[\w.:-]{1,128}$/;

/** Whose key a request came with. */
interface LoggedCaller {
  readonly keyId: string;
  readonly scope: string;
  readonly label: string;
}
const callers = new WeakMap<ServerResponse, LoggedCaller>();

/** Has the log's line and the trace of this request say whose key it came with. */
export function noteCaller(
  response: ServerResponse,
  { keyId, scope, label, tenantId }: LoggedCaller & { readonly tenantId: string | null },
): void {
  callers.set(response, { keyId, scope, label });
  const tenant = tenantId !== null && { 'arcadia.tenant_ids': [tenantId] };
  trace.getActiveSpan()?.setAttributes({ 'arcadia.key_id': keyId, ...tenant });
}

/** A line for each request: no bodies, no headers, no query; the request id leads further. */
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
    // By default it makes an error up; the real one has been logged where it was answered.
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

/** The id under which the log has a request. */
export function requestIdOf(request: Request): string {
  return typeof request.id === 'string' ? request.id : '';
}

/** Counts each request by its route's pattern. */
export function countRequests(metrics: Metrics): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    response.on('close', () => {
      const matched = request.route as { readonly path: string } | undefined;
      metrics.httpRequest(
        {
          method: request.method,
          route: matched?.path ?? 'unknown',
          // Nothing was sent: the client went away.
          status: response.headersSent ? response.statusCode : 499,
        },
        (performance.now() - startedAt) / 1000,
      );
    });
    next();
  };
}

/** The sender's id where it is one that a log can bear. */
function takeRequestId(request: IncomingMessage): string {
  const sent = request.headers[REQUEST_ID_HEADER];
  const isSane = typeof sent === 'string' && SANE_REQUEST_ID.test(sent);
  return isSane && withoutApiKeys(sent) === sent ? sent : randomUUID();
}
