import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { sql } from '../../src/db/sql.ts';
import { dismissQuarantined } from '../../src/ingestion/quarantine/dismiss-quarantined.ts';
import { releaseCured } from '../../src/ingestion/quarantine/release-cured.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { expectBucketsToAddUp } from '../ingestion/_ledger.ts';
import { countsOf, held, NONE, sent, startLitellmServer } from './_litellm.ts';
import type { TestServer } from './_server.ts';

/** LiteLLM's own log, which only knows milliseconds. */

let server: TestServer;
beforeAll(async () => {
  server = await startLitellmServer();
});
afterAll(async () => {
  await expectBucketsToAddUp(server.db);
  await server[Symbol.asyncDispose]();
});

describe("a row of LiteLLM's own log", () => {
  const log = { query: '?source=spend_log' };
  /** An event that its callback sends, and its row in the log. */
  const both = (fields: object, deployment = 'harbour-studio-web') => {
    const event = sent(fields, { user_api_key_alias: deployment });
    return [event, { ...event, startTime: 1795959293.298 }].map((one) => JSON.stringify(one));
  };
  const createDeployment = (id: string) =>
    server.db.query(sql.typeAlias('nothing')`
      INSERT INTO deployments (deployment_id, tenant_id) VALUES (${id}, 'harbour-studio')`);

  test('is a duplicate of the event whose id has the same start, to the millisecond', async () => {
    const id = crypto.randomUUID();
    const [called = '', logged = ''] = both({ id, litellm_call_id: id });
    expect(await countsOf(server, called)).toEqual({ ...NONE, accepted: 1 });
    expect(await countsOf(server, logged, log)).toEqual({ ...NONE, duplicates: 1 });
  });

  test('neither hides nor repeats the conflict of two requests of one millisecond', async () => {
    const id = crypto.randomUUID();
    const [first = '', logged = ''] = both({ id, litellm_call_id: id, startTime: 1795959293.2976 });
    const [second = ''] = both({ id, litellm_call_id: id, startTime: 1795959293.2979 });
    expect(await countsOf(server, `${first}\n${second}`)).toEqual({
      ...NONE,
      accepted: 1,
      conflicts: 1,
    });
    const before = await held(server);
    expect(await countsOf(server, logged, log)).toEqual({ ...NONE, duplicates: 1 });
    const dearer = logged.replace('"response_cost":0.5', '"response_cost":0.75');
    expect(await countsOf(server, dearer, log)).toEqual({ ...NONE, conflicts: 1 });
    expect(await held(server)).toEqual(before);
  });

  test('is not held beside its event as long as it can’t be accepted', async () => {
    const [called = '', logged = ''] = both({}, 'late-0');
    expect(await countsOf(server, called)).toEqual({ ...NONE, quarantined: 1 });
    const before = await held(server);
    expect(await countsOf(server, logged, log)).toEqual({ ...NONE, quarantined: 1 });
    expect(await held(server)).toEqual(before);
  });

  test('is accepted once it can be, and a release of its event adds nothing', async () => {
    const [called = '', logged = ''] = both({}, 'late-1');
    await countsOf(server, called);
    await createDeployment('late-1');
    expect(await countsOf(server, logged, log)).toEqual({ ...NONE, accepted: 1 });
    expect(await countsOf(server, logged, log)).toEqual({ ...NONE, duplicates: 1 });
    expect(await releaseCured(server.db, { now: new Date(), timeBounds: ANY_TIME })).toMatchObject({
      ...{ released: 1, already_accepted: 1, added: [], still_held: [] },
    });
  });

  test('is accepted once it can be, although its event was dismissed', async () => {
    const [called = '', logged = ''] = both({}, 'late-2');
    await countsOf(server, called);
    const quarantineIds = await server.db.anyFirst(sql.type(z.object({ id: z.number() }))`
      SELECT quarantine_id AS id FROM quarantined_events WHERE deployment_id = 'late-2'`);
    const decision = { actor: 'test', reason: 'there is no such deployment' };
    const dismissal = await dismissQuarantined(server.db, { quarantineIds }, decision);
    expect(dismissal).toMatchObject({ dismissed: 1 });
    expect(await countsOf(server, logged, log)).toEqual({ ...NONE, quarantined: 1 });
    await createDeployment('late-2');
    expect(await countsOf(server, logged, log)).toEqual({ ...NONE, accepted: 1 });
  });
});
