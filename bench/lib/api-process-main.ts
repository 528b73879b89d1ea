import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from '../../src/api/app.ts';
import { startApi } from '../../src/api/api-server.ts';
import { toTimeouts } from '../../src/api/http/client-waits.ts';
import { readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/pool.ts';
import { createRenderer } from '../../src/documents/renderer.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { createMetrics } from '../../src/observability/metrics/api-metrics.ts';
import { createEcho } from './echo.ts';

/** What `api-process.ts` starts: the API as configured, and beside it the one that only echoes. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  const logger = createLogger({ level: config.logLevel, name: 'api' }, process.stderr);
  const db = await openDatabase({
    url: config.databaseUrl,
    maxConnections: config.api.maxConnections,
    applicationName: 'arcadia-api',
  });
  const metrics = createMetrics();
  const now = () => new Date();
  const deps = { db, logger, metrics, now, monthEnd: null, watchdog: null, config: config.api };
  const api = await startApi({
    ...deps,
    ingestionLimits: config.api.ingestion,
    timeouts: toTimeouts(config.api.clientTimeoutSeconds),
    host: '127.0.0.1',
    port: 0,
  });
  const echo = createServer(
    createApp({ ...deps, documents: createRenderer(), ingestion: createEcho(metrics) }),
  );
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const { port } = echo.address() as AddressInfo;
  console.log(JSON.stringify({ url: api.url, echoUrl: `http://127.0.0.1:${port}` }));

  // It ends when we do, or ask for it.
  await once(process.stdin.resume(), 'end');
  echo.close();
  echo.closeAllConnections();
  await api.close();
  await Promise.all([db.end(), metrics.close()]);
}

await main();
process.exit();
