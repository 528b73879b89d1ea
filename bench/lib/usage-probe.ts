/**
 * Loaded into a process before its own code (`--import`). Answers its parent's question for its
 * resource usage so far, which the system counts for all its threads.
 */
import { isMainThread } from 'node:worker_threads';
import type { ProcessUsage } from './measured-process.ts';

if (isMainThread && process.send) {
  process.on('message', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const usage: ProcessUsage = {
      cpuMs: (userCPUTime + systemCPUTime) / 1000,
      peakMemoryBytes: maxRSS * 1024,
    };
    process.send?.(usage);
  });
  // The channel must not keep alive a process that has nothing else to do.
  process.channel?.unref();
}
