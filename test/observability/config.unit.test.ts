import { SamplingDecision } from '@opentelemetry/sdk-trace';
import { ROOT_CONTEXT, SpanKind, trace, type Context } from '@opentelemetry/api';
import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../src/config.ts';
import { createSampler } from '../../src/observability/tracing/tracing.ts';
import type { TracingSettings } from '../../src/observability/tracing/tracing-settings.ts';

const read = (env: Readonly<Record<string, string>>) =>
  readConfig({ DATABASE_URL: 'postgres://localhost/arcadia', ...env }).tracing;
const OTEL = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

describe('the environment', () => {
  test.each([
    ['nothing', {}],
    ['no endpoint', { OTEL_TRACES_SAMPLER: 'always_on' }],
    ['an empty one', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    ['the SDK disabled', { ...OTEL, OTEL_SDK_DISABLED: 'true' }],
  ])('%s: nothing is traced', (_, env) => {
    expect(read(env)).toBeNull();
  });

  test('an endpoint turns it on', () => {
    expect(read(OTEL)).toEqual({
      url: 'http://collector:4318/v1/traces',
      sampler: 'parentbased_always_on',
      ratio: 1,
      serviceName: null,
    });
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector/otlp/' })?.url).toBe(
      'http://collector/otlp/v1/traces',
    );
    const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces/here' };
    expect(read({ ...OTEL, ...own })?.url).toBe('https://traces/here');
  });

  test.each([
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
    { OTEL_TRACES_SAMPLER: 'sometimes' },
    { OTEL_TRACES_SAMPLER_ARG: '1.5' },
  ])('%o is told', (env) => {
    expect(() => read({ ...OTEL, ...env })).toThrow(ConfigError);
  });
});

describe('samplers', () => {
  // The SDK takes the exclusive or of its quarters.
  const HIGH = `${'f'.repeat(8)}${'0'.repeat(24)}`;
  const LOW = `${'0'.repeat(31)}1`;
  const below = (traceFlags: number): Context =>
    trace.setSpanContext(ROOT_CONTEXT, { traceId: HIGH, spanId: '1'.repeat(16), traceFlags });
  const keeps = (sampler: TracingSettings['sampler'], traceId: string, parent = ROOT_CONTEXT) =>
    createSampler({ sampler, ratio: 0.5 }).shouldSample(
      parent,
      traceId,
      'x',
      SpanKind.SERVER,
      {},
      [],
    ).decision === SamplingDecision.RECORD_AND_SAMPLED;

  test.each([
    ['always_on', [true, true, true, true]],
    ['always_off', [false, false, false, false]],
    ['traceidratio', [true, false, false, false]],
    ['parentbased_always_on', [true, true, true, false]],
    ['parentbased_always_off', [false, false, true, false]],
    ['parentbased_traceidratio', [true, false, true, false]],
  ] as const)('%s', (sampler, expected) => {
    expect([
      keeps(sampler, LOW),
      keeps(sampler, HIGH),
      keeps(sampler, HIGH, below(1)),
      keeps(sampler, HIGH, below(0)),
    ]).toEqual(expected);
  });
});
