/** A worker for `bench/workflows`, which measures the engine without any work. */
import type { MonthActivities } from '../../src/worker.ts';
import type { BareActivities } from '../workflows/bare-activities.ts';
import { runWorker } from './run-worker.ts';

const bareActivities: BareActivities = { nothing: () => Promise.resolve() };

// Passed on unchecked: the bundle's workflows know which activities they call.
await runWorker('bare-worker', bareActivities as unknown as MonthActivities);
