import type { Meter } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

/** Where a process keeps what it counts until Prometheus asks. */
export interface Registry {
  readonly meter: Meter;
  /** Everything, in the Prometheus text format. */
  readonly render: () => Promise<string>;
  readonly close: () => Promise<void>;
}

/** No prefix, no timestamps, no resource labels; and neither target nor scope: the job says those. */
const serializer = new PrometheusSerializer('', false, undefined, true, true);

export function createRegistry(): Registry {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter] });
  return {
    meter: provider.getMeter('arcadia-invoicing'),
    async render() {
      const { resourceMetrics } = await exporter.collect();
      return serializer.serialize(resourceMetrics);
    },
    close: () => provider.shutdown(),
  };
}
