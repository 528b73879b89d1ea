/** The values of OTEL_TRACES_SAMPLER in OpenTelemetry's specification. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** Tracing settings of a process. */
export interface TracingSettings {
  /** Complete URL to which spans are sent, by OTLP over HTTP. */
  readonly url: string;
  readonly sampler: (typeof SAMPLERS)[number];
  /** Share of traces to keep, from 0 to 1, for the samplers with "ratio" in their name. */
  readonly ratio: number;
  /** Name of the process in traces; null: named after the parts that it runs. */
  readonly serviceName: string | null;
}
