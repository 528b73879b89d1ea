import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { createWebhookEndpoint } from '../../src/db/webhooks/webhook-endpoints.ts';
import { deliverDue } from '../../src/webhooks/deliver-due.ts';
import { showSecret } from '../../src/webhooks/webhook-signing.ts';
import { createTestDatabase, type TestDatabase } from '../_util/database.ts';
import { MASTER, SETTINGS } from './_receiver.ts';
import { logOf, putEvent } from './_receiving.ts';

/** The receiver in docs/integrating.md, unchanged. */
const GUIDE = readFileSync('docs/integrating.md', 'utf8');
const [, EXAMPLE = ''] = /^```ts\n(import \{ createServer[^]*?)^```$/m.exec(GUIDE) ?? [];

let testDatabase: TestDatabase;
let db: Database;
let folder: string;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  db = await openDatabase({
    ...{ url: testDatabase.appUrl, maxConnections: 3, applicationName: 'test-guide' },
  });
  mkdirSync('.local', { recursive: true });
  folder = mkdtempSync(resolve('.local', 'receiver-'));
});
afterAll(async () => {
  await db.end();
  await testDatabase.drop();
  rmSync(folder, { recursive: true, force: true });
});

test('accepts exactly what is signed with its secret', async () => {
  // The server comes first: the secret needs an endpoint, and the endpoint an address.
  const shell = createServer();
  shell.listen(0, '127.0.0.1');
  await once(shell, 'listening');
  const { port } = shell.address() as AddressInfo;
  const { endpointId, secretId } = await createWebhookEndpoint(db, {
    ...{ url: `http://127.0.0.1:${port}/`, label: null, eventTypes: ['invoice.issued'] },
  });
  process.env.WEBHOOK_SECRET = showSecret(MASTER, secretId);
  const file = join(folder, 'receiver.ts');
  writeFileSync(file, EXAMPLE);
  const { server } = (await import(pathToFileURL(file).href)) as { server: Server };
  shell.on('request', (request, response) => void server.emit('request', request, response));

  const never = new AbortController().signal;
  await putEvent(db, endpointId, { number: 'acme-000001', total_cents: 5500 });
  await deliverDue(db, endpointId, SETTINGS, never);
  await putEvent(db, endpointId);
  const stranger = { ...SETTINGS, masterSecrets: ['x'.repeat(32)], firstRetryMs: 3_600_000 };
  await deliverDue(db, endpointId, stranger, never);

  expect(await logOf(db, endpointId)).toMatchObject([
    { outcome: 'delivered', status: 204 },
    { outcome: 'failed', status: 400 },
  ]);
  shell.closeAllConnections();
  shell.close();
});
