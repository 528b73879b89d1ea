import { performance } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';

/** What the process itself takes, read whenever the metrics are read. */
export function observeProcess(meter: Meter): void {
  meter
    .createObservableCounter('process_cpu_seconds_total', {
      description: 'CPU time that the process has used, in seconds.',
    })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage();
      result.observe((user + system) / 1e6);
    });
  meter
    .createObservableGauge('process_resident_memory_bytes', {
      description: 'Memory that the process holds, in bytes.',
    })
    .addCallback((result) => {
      result.observe(process.memoryUsage.rss());
    });
  let before = performance.eventLoopUtilization();
  meter
    .createObservableGauge('nodejs_eventloop_utilization_ratio', {
      description: 'How busy the main thread was since the last reading, 0 to 1.',
    })
    .addCallback((result) => {
      const { utilization } = performance.eventLoopUtilization(before);
      before = performance.eventLoopUtilization();
      result.observe(Number.isFinite(utilization) ? utilization : 0);
    });
}
