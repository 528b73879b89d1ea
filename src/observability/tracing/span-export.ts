import { diag, DiagLogLevel } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { TellLoss } from './occasionally.ts';

/** Spans that wait to be sent; where there are more, the later ones are dropped. */
const MAX_QUEUED = 2_048;
const MAX_BATCH = 512;
const SEND_EVERY_MS = 2_000;
/** What the SDK says when it dropped some. */
const DROPPED = /Dropped (\d+) spans/;

/**
 * Sends spans in batches, one at a time, and never keeps anybody waiting. What the collector doesn't take
 * is lost, and told. Headers, compression, certificates and timeout come from OpenTelemetry's own
 * variables (`OTEL_EXPORTER_OTLP_HEADERS`, …).
 */
export function createExport(url: string, tellLoss: TellLoss): BatchSpanProcessor {
  const drop = (text: string) => tellLoss('too many at once', Number(DROPPED.exec(text)?.[1] ?? 0));
  const quiet = () => undefined;
  diag.setLogger(
    {
      warn: (text) => {
        if (DROPPED.test(text)) drop(text);
      },
      // Failed batches are told by the exporter below.
      error: quiet,
      info: quiet,
      debug: quiet,
      verbose: quiet,
    },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  return new BatchSpanProcessor({
    exporter: tellFailures(new OTLPTraceExporter({ url }), tellLoss),
    maxQueueSize: MAX_QUEUED,
    maxExportBatchSize: MAX_BATCH,
    scheduledDelayMillis: SEND_EVERY_MS,
  });
}

function tellFailures(exporter: SpanExporter, tellLoss: TellLoss): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.code !== ExportResultCode.SUCCESS) {
          tellLoss(result.error?.message ?? 'the collector refused them', spans.length);
        }
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}
