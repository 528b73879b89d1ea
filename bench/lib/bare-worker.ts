/** A worker for `bench/workflows`: what the engine costs where the work is nothing. */
import type { MonthActivities } from '../../src/worker.ts';
import type { BareActivities } from '../workflows/bare-activities.ts';
import { runWorker } from './run-worker.ts';

const bareActivities: BareActivities = { nothing: () => Promise.resolve() };

// Only handed on: the workflows of the bundle know what they call.
await runWorker('bare-worker', bareActivities as unknown as MonthActivities);
