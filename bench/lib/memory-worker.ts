/**
 * The product's worker with activities that need no database. Its arguments are the start of the files' names that keep
 * the requests' state, and the number of due tenants by month, such as `2026-05=1000`.
 */
import { createMemoryActivities } from './memory-activities.ts';
import { runWorker } from './run-worker.ts';

const [requestFile = '', ...months] = process.argv.slice(2);
const dueTenants = new Map(
  months.map((given) => {
    const [month = '', tenants] = given.split('=');
    return [month, Number(tenants)];
  }),
);
await runWorker('memory-worker', createMemoryActivities(dueTenants, requestFile));
