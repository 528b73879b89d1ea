/** Which traces are kept: the names that OTEL_TRACES_SAMPLER has by OpenTelemetry's specification. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** How a process traces. */
export interface TracingSettings {
  /** Where spans are sent, by OTLP over HTTP: the whole address. */
  readonly url: string;
  readonly sampler: (typeof SAMPLERS)[number];
  /** Of traces to keep, 0 to 1; the samplers named "ratio" ask for it. */
  readonly ratio: number;
  /** What traces call the process; null: by the parts that it runs. */
  readonly serviceName: string | null;
}
