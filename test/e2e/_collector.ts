import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';

/** A span as received by a collector. */
export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Null for the root span. */
  readonly parentSpanId: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly failed: boolean;
}

/** A collector of traces: OTLP over HTTP, as JSON. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  /** In the order of arrival. */
  readonly spans: readonly ReceivedSpan[];
  /** Everything received, unchanged. */
  readonly received: string;
  /** The number of requests so far, whatever their answer. */
  readonly requests: number;
}

/** How it answers: correctly, with an error, or never. */
type Manner = 'takes' | 'refuses' | 'hangs';

export async function startCollector(manner: Manner = 'takes'): Promise<Collector> {
  const spans: ReceivedSpan[] = [];
  let requests = 0;
  let received = '';
  const answer = (body: string, response: ServerResponse) => {
    if (manner === 'hangs') return;
    if (manner === 'refuses') {
      response.writeHead(400).end();
      return;
    }
    received += body;
    spans.push(...readSpans(JSON.parse(body) as ExportRequest));
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  };
  const server = createServer((request, response) => {
    if (request.method !== 'POST' || request.url !== '/v1/traces') {
      response.writeHead(404).end();
      return;
    }
    requests += 1;
    text(request).then(
      (body) => answer(body, response),
      () => response.writeHead(400).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    get received() {
      return received;
    },
    get requests() {
      return requests;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding, as far as the tests use it. */
interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}
interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly KeyValue[];
  readonly status: { readonly code?: number };
}
interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}
interface AnyValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly arrayValue?: { readonly values: readonly AnyValue[] };
}

const STATUS_ERROR = 2;

function readSpans({ resourceSpans }: ExportRequest): readonly ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(toRecord(resource.attributes)['service.name']);
    return scopeSpans.flatMap((scope) =>
      scope.spans.map(({ name, traceId, spanId, parentSpanId, attributes, status }) => ({
        service,
        name,
        traceId,
        spanId,
        parentSpanId: parentSpanId ?? null,
        attributes: toRecord(attributes),
        failed: status.code === STATUS_ERROR,
      })),
    );
  });
}

function toRecord(attributes: readonly KeyValue[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toValue(value)]));
}

function toValue({ stringValue, intValue, arrayValue }: AnyValue): unknown {
  if (arrayValue) return arrayValue.values.map(toValue);
  return stringValue ?? (intValue === undefined ? null : Number(intValue));
}
