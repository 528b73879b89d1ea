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

/** Monitoring requests these every few seconds. */
const UNTRACED = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * Makes a span for each request, in the trace of the caller's `traceparent`, named after the route's pattern. It
 * contains no paths, queries, headers or bodies.
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
    // Listeners for the response's end, such as the request log, run within the trace.
    context.bind(active, response);
    response.once('close', () => {
      const route = (request.route as { readonly path: string } | undefined)?.path;
      // 499: the client disconnected before the answer.
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
