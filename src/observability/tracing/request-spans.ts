import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  context,
  defaultTextMapGetter,
  trace,
  type TextMapPropagator,
  type Tracer,
} from '@opentelemetry/api';
import type { RequestHandler } from 'express';

/** Asked for every few seconds by whoever watches the process. */
const UNTRACED = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * A span for each request, named by the route's pattern, in the trace that the caller's `traceparent`
 * names. Paths, queries, headers and bodies are not in it.
 */
export function traceRequests(tracer: Tracer, propagator: TextMapPropagator): RequestHandler {
  return (request, response, next) => {
    if (UNTRACED.has(request.path)) {
      next();
      return;
    }
    const { method } = request;
    const parent = propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter);
    const attributes = { 'http.request.method': method };
    const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
    const active = trace.setSpan(parent, span);
    // Who listens for the response's end, such as the log, listens within the trace.
    context.bind(active, response);
    response.once('close', () => {
      const route = (request.route as { readonly path: string } | undefined)?.path;
      // Nothing was sent: the client went away.
      const status = response.headersSent ? response.statusCode : 499;
      if (route !== undefined) span.updateName(`${method} ${route}`);
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttributes({
        'http.route': route,
        'http.response.status_code': status,
        'arcadia.request_id': response.getHeader('X-Request-Id')?.toString(),
      });
      span.end();
    });
    context.with(active, next);
  };
}
