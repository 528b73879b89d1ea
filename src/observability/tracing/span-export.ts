import { diag, DiagLogLevel } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from '../../lib/logger.ts';

/** Maximum number of waiting spans; further ones are dropped. */
const MAX_QUEUED = 2_048;
const MAX_BATCH = 512;
const SEND_EVERY_MS = 2_000;
/** The SDK's message about dropped spans. */
const DROPPED = /Dropped (\d+) spans/;

/**
 * Creates a processor that sends spans in the background, one batch at a time, and never blocks the code that makes
 * them. Spans that the collector doesn't accept are lost and reported. Headers, compression, certificates and timeout
 * come from OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_HEADERS`, …).
 */
export function createExport(url: string, reportLoss: ReportLoss): BatchSpanProcessor {
  const drop = (text: string) =>
    reportLoss('too many at once', Number(DROPPED.exec(text)?.[1] ?? 0));
  const quiet = () => undefined;
  diag.setLogger(
    {
      warn: (text) => {
        if (DROPPED.test(text)) drop(text);
      },
      // The exporter below reports failed batches.
      error: quiet,
      info: quiet,
      debug: quiet,
      verbose: quiet,
    },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  return new BatchSpanProcessor({
    exporter: reportFailures(new OTLPTraceExporter({ url }), reportLoss),
    maxQueueSize: MAX_QUEUED,
    maxExportBatchSize: MAX_BATCH,
    scheduledDelayMillis: SEND_EVERY_MS,
  });
}

function reportFailures(exporter: SpanExporter, reportLoss: ReportLoss): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.code !== ExportResultCode.SUCCESS) {
          reportLoss(result.error?.message ?? 'the collector refused them', spans.length);
        }
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

/** Called when spans are lost. */
export type ReportLoss = (reason: string, spans: number) => void;

/**
 * Returns a callback that logs a warning for the first loss, and then at most one per interval with the number of spans
 * lost since. Otherwise a collector that is unavailable for a night would cause a warning per batch.
 * @param now monotonic clock in milliseconds
 */
export function reportOccasionally(
  logger: Logger,
  everyMs: number,
  now: () => number = () => performance.now(),
): ReportLoss {
  let nextAt = Number.NEGATIVE_INFINITY;
  let lost = 0;
  return (reason, spans) => {
    lost += spans;
    if (now() < nextAt) return;
    nextAt = now() + everyMs;
    logger.warn({ lost_spans: lost, reason }, 'traces are being lost');
    lost = 0;
  };
}
