/**
 * The product's worker with activities that need no database. Its arguments are the number of due tenants, and the file
 * that keeps the request's state.
 */
import { createMemoryActivities } from './memory-activities.ts';
import { runWorker } from './run-worker.ts';

const [tenants, requestFile = ''] = process.argv.slice(2);
await runWorker('memory-worker', createMemoryActivities(Number(tenants), requestFile));
