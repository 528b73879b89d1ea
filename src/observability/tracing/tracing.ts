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
import { TracerProvider } from '@opentelemetry/sdk-trace';
import type { Logger } from '../../lib/logger.ts';
import { traceActivities } from './temporal-spans.ts';
import { traceClient } from './client.ts';
import { createExport } from './span-export.ts';
import { tellOccasionally } from './occasionally.ts';
import { traceRequests } from './request-spans.ts';
import { createSampler } from './sampler.ts';
import type { TracingSettings } from './tracing-settings.ts';
import { traceStatements } from './statement-spans.ts';
import { takeWorkflowSpans } from './workflow-spans.ts';

/** How often lost spans are told. */
const TELL_EVERY_MS = 10 * 60_000;
/** For the last spans; a collector that hangs keeps no process from ending. */
const FLUSH_TIMEOUT_MS = 2_000;

/**
 * Starts tracing in this process; once in a process, for what is active is known to all of it. No
 * provider is registered globally: libraries that look for one find none, so that there is nothing in a trace but
 * what is written here.
 * @returns what each part of the process is to be given, and what ends it
 */
export function startTracing(
  settings: TracingSettings,
  { logger, serviceName }: { readonly logger: Logger; readonly serviceName: string },
) {
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': settings.serviceName ?? serviceName }))
    // OTEL_RESOURCE_ATTRIBUTES
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector] }));
  const processor = createExport(settings.url, tellOccasionally(logger, TELL_EVERY_MS));
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
    /** Sends what is left, within 2 seconds. */
    async stop(): Promise<void> {
      const flushed = provider.shutdown().catch(() => undefined);
      await Promise.race([flushed, sleep(FLUSH_TIMEOUT_MS, undefined, { ref: false })]);
      context.disable();
    },
  };
}

export type Tracing = ReturnType<typeof startTracing>;
