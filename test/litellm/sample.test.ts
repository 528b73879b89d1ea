import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readKeyMetadata } from '../../src/cli/litellm/key-metadata.ts';
import { readEventOf } from '../../src/cli/litellm/read-event.ts';
import { isReconciled, reconcile, type Reconciliation } from '../../src/cli/litellm/reconcile.ts';
import {
  isAllBilled,
  sendSpendLog,
  type SentSpendLog,
} from '../../src/cli/litellm/send-spend-log.ts';
import { readSpendLog } from '../../src/cli/litellm/spend-log-file.ts';
import { createLitellmClient } from '../../src/client/gateway/litellm-client.ts';
import { releaseQuarantined } from '../../src/ingestion/quarantine/release-quarantined.ts';
import { startTestServer, type TestServer } from '../api/_server.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { seedUsd } from '../_util/seed.ts';
import { readLedger } from './checks.ts';
import { sumSpend, type SpendRow } from './own-spend.ts';
import { spendRowOf } from './spend-row.ts';

/** Events of a real proxy, as its callback sent them: streams, failures, fallbacks, cache hits, call ids used twice. */
const LINES = readFileSync(fileURLToPath(new URL('./sample.ndjson', import.meta.url)), 'utf8')
  .trimEnd()
  .split('\n');
const NOW = new Date('2026-11-30T00:00:00Z');

const ROWS: readonly SpendRow[] = LINES.map((line) => {
  const event = JSON.parse(line) as Record<string, string> & { metadata: Record<string, string> };
  return {
    requestId: event.id ?? '',
    callId: event.litellm_call_id ?? '',
    keyHash: event.metadata.user_api_key_alias ?? '',
    status: event.status ?? '',
    cacheHit: String(event.cache_hit) === 'true',
    spend: /"response_cost": ([^,]+),/.exec(line)?.[1] ?? '',
  };
});
/** What LiteLLM says that each deployment owes. */
const OWN = sumSpend(ROWS, ({ keyHash }) => keyHash);
const WITHOUT_A_KEY = '';

let server: TestServer;
let folder: string;
beforeAll(async () => {
  server = await startTestServer({ now: () => NOW });
  await seedUsd(server.db, 'harbour-studio', ['harbour-studio-web']);
  folder = mkdtempSync(join(tmpdir(), 'arcadia-litellm-'));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function post(body: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${server.api.url}/api/v1/integrations/litellm`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${server.keys.gateway}`, 'Content-Type': 'application/json' },
    body,
  });
  expect(response.status).toBe(200);
  return ((await response.json()) as { counts: Record<string, unknown> }).counts;
}

function write(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** What LiteLLM would export. */
function exported() {
  const metadataOf = (line: string) =>
    (JSON.parse(line) as { metadata: Record<string, string> }).metadata;
  const keys = LINES.map(metadataOf)
    .filter(({ user_api_key_team_id: team }) => Boolean(team))
    .map(({ user_api_key_hash: token, user_api_key_team_id: team_id }) => ({
      ...{ token, team_id },
      metadata: team_id === 'harbour-studio' ? { arcadia_deployment: 'harbour-studio-web' } : {},
    }));
  const teams = [
    { team_id: 'harbour-studio', metadata: { arcadia_tenant: 'harbour-studio' } },
    { team_id: 'juniper-labs', metadata: {} },
  ];
  const rows = LINES.map(spendRowOf);
  const pages = [rows.slice(0, 7), rows.slice(7)].map(
    (page, index) => `{"data": [${page.join(',')}], "total": 19, "page": ${index + 1}}`,
  );
  return {
    log: write('pages.json', pages.join('\n')),
    files: { keys: write('keys.json', { keys }), teams: write('teams.json', teams) },
  };
}

const onProgress = () => undefined;

/** As `usage reconcile` does. */
async function reconcileLog(log: string): Promise<Reconciliation> {
  const findMetadata = await readKeyMetadata(exported().files);
  const requests = readSpendLog(log, { findMetadata, onProgress });
  return reconcile(server.db, requests, { read: readEventOf('USD', []) });
}

/** As `usage send --format litellm` does. */
function sendLog(log: string): Promise<SentSpendLog> {
  const apiKey = server.keys.gateway;
  const post = createLitellmClient({ apiUrl: server.api.url, apiKey, isLog: true });
  return sendSpendLog(log, { post, onProgress, ...exported().files });
}

describe('the events of a real proxy', () => {
  test('are billed as LiteLLM says, to the twelfth decimal, in each format and sent again', async () => {
    const array = await post(`[${LINES.join(', ')}]`);
    expect(array).toMatchObject({
      accepted: OWN.get('harbour-studio-web')?.requests,
      counted: { failures: 4, cache_hits: 2 },
    });
    const again = await post(LINES.join('\n'));
    expect(again).toMatchObject({ accepted: 0, duplicates: array.accepted, conflicts: 0 });
    for (const line of LINES) await post(line);
    const { events, buckets } = await readLedger(server.db);
    const { requests, cents } = OWN.get('harbour-studio-web')!;
    expect([...events]).toEqual([['harbour-studio-web', { requests, cents }]]);
    expect(buckets).toEqual(events);
  });

  test('of a tenant that comes later wait in quarantine, and are billed once it exists', async () => {
    const { log } = exported();
    const before = await reconcileLog(log);
    const juniper = OWN.get('juniper-labs-api')!;
    const keyless = OWN.get(WITHOUT_A_KEY)?.requests ?? 0;
    expect(isReconciled(before)).toBe(false);
    expect(before).toMatchObject({
      equal: OWN.get('harbour-studio-web')?.requests,
      missing: { requests: 0 },
      unlogged: { requests: 0 },
      different: { requests: 0 },
      unreadable: { requests: 0 },
      quarantined: { requests: juniper.requests + keyless },
    });
    await seedUsd(server.db, 'juniper-labs', ['juniper-labs-api']);
    await releaseQuarantined(
      server.db,
      { tenantId: 'juniper-labs' },
      { actor: 'test', reason: 'created late', assign: {} },
      { now: NOW, timeBounds: ANY_TIME },
    );
    const { events } = await readLedger(server.db);
    expect(events.get('juniper-labs-api')).toEqual({
      ...{ requests: juniper.requests, cents: juniper.cents },
    });
    expect(await reconcileLog(log)).toMatchObject({
      ...{ quarantined: { requests: keyless }, missing: { requests: 0 } },
    });
  });

  test("are duplicates in LiteLLM's own log, which has rounded times and no metadata of keys", async () => {
    const before = await readLedger(server.db);
    const billed = [...before.events.values()].reduce((sum, { requests }) => sum + requests, 0);
    expect(await sendLog(exported().log)).toMatchObject({
      unreadable: 0,
      counts: { accepted: 0, duplicates: billed, conflicts: 0 },
    });
    expect(await readLedger(server.db)).toEqual(before);
  });

  test('that never arrived are found missing, and accepted from the log', async () => {
    const lost = LINES.filter((line) => line.includes('"harbour-studio-web"'))
      .slice(0, 3)
      .map((line) => line.replaceAll('chatcmpl-', 'lost-'));
    const log = write('lost.ndjson', lost.map(spendRowOf).join('\n'));
    const expected = sumSpend(ROWS.slice(0, 3), () => 'all').get('all')!;
    expect(await reconcileLog(log)).toMatchObject({
      missing: { requests: 3, charge_cents: expected.cents },
    });
    const sent = await sendLog(log);
    expect(sent).toMatchObject({ counts: { accepted: 3, duplicates: 0 } });
    expect(isAllBilled(sent)).toBe(true);
    expect(await reconcileLog(log)).toMatchObject({ equal: 3, missing: { requests: 0 } });
  });

  test('whose answers have no id are known by their start, rounded as in the log', async () => {
    const [first = ''] = LINES;
    const { id, litellm_call_id: callId } = JSON.parse(first) as Record<string, string>;
    const embedding = first.replaceAll(id!, 'embedding-1').replaceAll(callId!, 'embedding-1');
    expect(embedding).toContain('"startTime": 1795959293.297993');
    expect(spendRowOf(embedding)).toContain('.298+00:00');
    expect(await post(embedding)).toMatchObject({ accepted: 1 });
    const log = write('embedding.ndjson', spendRowOf(embedding));
    expect(await sendLog(log)).toMatchObject({ counts: { accepted: 0, duplicates: 1 } });
    expect(await reconcileLog(log)).toMatchObject({ equal: 1, missing: { requests: 0 } });
  });

  test('with another charge in the log are a conflict, and told apart', async () => {
    const [first = ''] = LINES;
    const dearer = spendRowOf(first).replace(/"spend": [^,]+/, '"spend": 0.5');
    const log = write('dearer.ndjson', dearer);
    expect(await reconcileLog(log)).toMatchObject({
      different: { requests: 1, examples: [{ log: { charge_cents: '50' } }] },
    });
    const sent = await sendLog(log);
    expect(sent).toMatchObject({ counts: { accepted: 0, conflicts: 1 } });
    expect(isAllBilled(sent)).toBe(false);
    // Its id is in quarantine by now.
    expect(await sendLog(log)).toEqual(sent);
  });
});
