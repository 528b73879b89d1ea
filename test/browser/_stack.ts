import { inject } from 'vitest';
import { pino } from 'pino';
import { createMonthEndPort } from '../../src/api/http/month-end-port.ts';
import { startApi, type ApiOptions } from '../../src/api/api-server.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { openDatabase } from '../../src/db/pool.ts';
import { createMetrics } from '../../src/observability/metrics/api-metrics.ts';
import { API_CONFIG } from '../_util/api-config.ts';
import { seedCatalogue } from '../_util/seed.ts';
import { createWorld, type World } from '../_util/world.ts';

/** A database, a namespace, a worker and the API, as an operator meets them. */
export interface BrowserStack extends AsyncDisposable {
  readonly world: World;
  readonly apiUrl: string;
  readonly operatorKey: string;
  /** Temporal's Web UI, at the workflows of this namespace. */
  readonly workflowsUrl: string;
}

/** Brings it up, with the catalogue of `seedCatalogue` and no tenant. */
export async function startBrowserStack(
  options: Partial<Omit<ApiOptions, 'config'>> & {
    readonly config?: Partial<ApiOptions['config']>;
  } = {},
): Promise<BrowserStack> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await createWorld());
  await seedCatalogue(world.db);
  await world.startWorker();
  const apiDb = await openDatabase({
    url: world.apiUrl,
    maxConnections: 5,
    applicationName: 'test-browser',
  });
  stack.defer(() => apiDb.end());
  const metrics = createMetrics();
  stack.defer(() => metrics.close());
  const api = await startApi({
    db: apiDb,
    monthEnd: createMonthEndPort(world.client),
    watchdog: null,
    logger: pino({ level: 'silent' }),
    metrics,
    now: () => new Date(),
    host: '127.0.0.1',
    port: 0,
    ...options,
    config: { ...API_CONFIG, ...options.config },
  });
  stack.defer(() => api.close());
  const { plainKey } = await createKey(world.db, { label: 'ops', scope: 'operator' });
  const started = stack.move();
  return {
    world,
    apiUrl: api.url,
    operatorKey: plainKey,
    workflowsUrl: `${inject('temporalUiUrl')}/namespaces/${world.client.options.namespace}/workflows`,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
