import { setTimeout as sleep } from 'node:timers/promises';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import type { Logger } from '../../lib/logger.ts';
import { traceRequests } from './request-spans.ts';
import type { TracingSettings } from './tracing-settings.ts';
import { createExport, reportOccasionally } from './span-export.ts';
import { traceStatements } from './statement-spans.ts';
import { traceActivities, traceClient } from './temporal-spans.ts';
import { takeWorkflowSpans } from './workflow-spans.ts';

/** Minimum interval between two warnings about lost spans. */
const REPORT_EVERY_MS = 10 * 60_000;
/** Time limit for the last spans, so that a hanging collector doesn't prevent the process from ending. */
const FLUSH_TIMEOUT_MS = 2_000;

/**
 * Starts tracing in this process. Call it once per process, because the active context is global. The provider is not
 * registered globally, so libraries can't add spans of their own.
 * @returns an interceptor for each part of the process, and `stop`
 */
export function startTracing(
  settings: TracingSettings,
  { logger, serviceName }: { readonly logger: Logger; readonly serviceName: string },
) {
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': settings.serviceName ?? serviceName }))
    // Reads OTEL_RESOURCE_ATTRIBUTES.
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector] }));
  const processor = createExport(settings.url, reportOccasionally(logger, REPORT_EVERY_MS));
  const provider = new TracerProvider({
    resource,
    sampler: createSampler(settings),
    spanProcessors: [processor],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const tracer = provider.getTracer('arcadia-invoicing');
  logger.info({ collector: new URL(settings.url).host, sampler: settings.sampler }, 'tracing');
  return {
    requests: traceRequests(tracer, new W3CTraceContextPropagator()),
    client: traceClient(tracer),
    activities: traceActivities(tracer),
    workflows: takeWorkflowSpans(processor, resource),
    statements: traceStatements(tracer),
    /** Sends the remaining spans, within 2 seconds. */
    async stop(): Promise<void> {
      const flushed = provider.shutdown().catch(() => undefined);
      await Promise.race([flushed, sleep(FLUSH_TIMEOUT_MS, undefined, { ref: false })]);
      context.disable();
    },
  };
}

export type Tracing = ReturnType<typeof startTracing>;

/** Returns the sampler, which decides whether a trace is kept. A "parentbased" one follows the caller's decision, if any. */
export function createSampler({
  sampler,
  ratio,
}: Pick<TracingSettings, 'sampler' | 'ratio'>): Sampler {
  switch (sampler) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio);
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  }
}
