/** The product's worker with activities that need no database; its argument is the number of due tenants. */
import { createMemoryActivities } from './memory-activities.ts';
import { runWorker } from './run-worker.ts';

await runWorker('memory-worker', createMemoryActivities(Number(process.argv[2])));
