import { backpressure } from './backpressure.ts';
import { cluster } from './cluster.ts';
import { fanOut } from './fan-out.ts';
import { growth } from './growth.ts';
import { history } from './history.ts';
import { hostileConnections } from './hostile-connections.ts';
import { hostileReceivers } from './hostile-receivers.ts';
import { hostileTenant } from './hostile-tenant.ts';
import { ingestionBatches } from './ingestion-batches.ts';
import { ingestionSingles } from './ingestion-singles.ts';
import { largeTenant } from './large-tenant.ts';
import type { Bench } from './lib/bench.ts';
import { litellmBatches } from './litellm-batches.ts';
import { llmPull } from './llm-pull.ts';
import { maxChildren } from './max-children.ts';
import { monthEnd } from './month-end.ts';
import { operatorPages } from './operator-pages.ts';
import { planChanges } from './plan-changes.ts';
import { runningMonth } from './running-month.ts';
import { quoteShare } from './quote-share.ts';

/** All benches in the order in which they run, one per line. */
export const BENCHES: readonly Bench[] = [
  monthEnd,
  cluster,
  maxChildren,
  growth,
  planChanges,
  largeTenant,
  llmPull,
  runningMonth,
  quoteShare,
  history,
  operatorPages,
  ingestionBatches,
  ingestionSingles,
  litellmBatches,
  backpressure,
  fanOut,
  hostileConnections,
  hostileReceivers,
  hostileTenant,
];
