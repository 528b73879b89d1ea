import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type Database } from '../../../src/db/pool.ts';
import type { HeldFilter } from '../../../src/db/usage/quarantine.ts';
import type { JsonObject } from '../../../src/domain/types.ts';
import {
  UnfilteredAssignmentError,
  type Assignment,
} from '../../../src/ingestion/quarantine/assignment.ts';
import { dismissQuarantined } from '../../../src/ingestion/quarantine/dismiss-quarantined.ts';
import { releaseQuarantined } from '../../../src/ingestion/quarantine/release-quarantined.ts';
import { ANY_TIME } from '../../_util/any-time.ts';
import { createTestDatabase, type TestDatabase } from '../../_util/database.ts';
import { seedCatalogue, seedTenant } from '../../_util/seed.ts';
import { expectBucketsToAddUp } from '../_ledger.ts';
import { eventOf as heldEvent, heldOf, ledgerOf, newTenant, send } from './_held.ts';

let testDatabase: TestDatabase;
let db: Database;
/** With the rights of the API's process. */
let apiDb: Database;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const options = { maxConnections: 4, applicationName: 'test-assignment' };
  db = await openDatabase({ url: testDatabase.appUrl, ...options });
  apiDb = await openDatabase({ url: testDatabase.apiUrl, ...options });
  await seedCatalogue(db);
});
afterEach(() => expectBucketsToAddUp(db));
afterAll(async () => {
  await Promise.all([db.end(), apiDb.end()]);
  await testDatabase.drop();
});

const BY = { actor: 'key:ops', reason: 'the gateway key was wrong' };
const release = (filter: HeldFilter, assign?: Assignment) =>
  releaseQuarantined(apiDb, filter, { ...BY, assign }, { now: new Date(), timeBounds: ANY_TIME });
const dismiss = (filter: HeldFilter) => dismissQuarantined(apiDb, filter, BY);

const eventOf = (tenantId: string, more: JsonObject = {}) =>
  heldEvent(tenantId, { charge_cents: '120', ...more });

describe('an assigned currency', () => {
  test('is refused for charges in other minor units, and taken for the others', async () => {
    const tenantId = newTenant();
    await seedTenant(db, tenantId);
    const inYen = eventOf(tenantId, { currency: 'JPY' });
    await send(apiDb, [inYen, eventOf(tenantId, { currency: 'USD' })]);
    const released = await release({ tenantId }, { currency: 'AUD' });
    expect(released).toMatchObject({
      ...{ released: 1, added: [{ currency: 'AUD', charge_cents: '120' }] },
      still_held: [{ held_for: 'wrong_currency', events: 1 }],
    });
    expect(released.still_held[0]?.example).toContain('the charge was sent in JPY (0 decimals)');
    expect(await ledgerOf(db, tenantId)).toEqual({ events: 1, total: '120' });
    const [held] = await heldOf(db, tenantId);
    expect(held).toMatchObject({ state: 'held', reason: 'wrong_currency' });
    expect(held?.detail).toContain('is billed in AUD, not in JPY');

    // The reason tells the operator to send the request again, and to dismiss the event.
    const corrected = { ...inYen, charge_cents: '12000', currency: 'AUD' };
    expect(await send(apiDb, [corrected])).toEqual({ accepted: 1, held: 0 });
    expect(await dismiss({ heldFor: 'wrong_currency', tenantId })).toMatchObject({ dismissed: 1 });
    expect(await ledgerOf(db, tenantId)).toEqual({ events: 2, total: '12120' });
  });
});

describe('a release that assigns something', () => {
  test('requires a filter', async () => {
    const tenantId = newTenant();
    await send(apiDb, [eventOf(tenantId)]);
    const right = newTenant();
    await seedTenant(db, right);
    const assign = { tenant_id: right, deployment_id: `${right}-a` };
    await expect(release({}, assign)).rejects.toThrow(UnfilteredAssignmentError);
    expect(await heldOf(db, tenantId)).toMatchObject([{ state: 'held' }]);
    expect(await ledgerOf(db, right)).toMatchObject({ events: 0 });
    expect(await release({ tenantId }, assign)).toMatchObject({ released: 1 });
    expect(await ledgerOf(db, right)).toEqual({ events: 1, total: '120' });
  });

  test('records a conflict, which can then be dismissed', async () => {
    const [sent, right] = [newTenant(), newTenant()];
    const event = eventOf(sent);
    await send(apiDb, [event]);
    await seedTenant(db, right);
    const assign = { tenant_id: right, deployment_id: `${right}-a` };
    const other = { ...event, ...assign, charge_cents: '9' };
    expect(await send(apiDb, [other])).toEqual({ accepted: 1, held: 0 });

    expect(await release({ tenantId: sent }, assign)).toMatchObject({
      released: 0,
      still_held: [{ held_for: 'conflict', events: 1 }],
    });
    const [held] = await heldOf(db, sent);
    expect(held).toMatchObject({ state: 'held', reason: 'conflict' });
    expect(held?.detail).toContain('was accepted before with another content');
    expect(await dismiss({ heldFor: 'conflict', tenantId: sent })).toMatchObject({ dismissed: 1 });
    expect(await ledgerOf(db, right)).toEqual({ events: 1, total: '9' });
  });

  test('records no conflict of an event that was accepted as it was sent', async () => {
    const [tenantId, wrong] = [newTenant(), newTenant()];
    const event = eventOf(tenantId);
    await send(apiDb, [event]);
    await seedTenant(db, tenantId);
    await seedTenant(db, wrong);
    expect(await send(apiDb, [event])).toEqual({ accepted: 1, held: 0 });

    const assign = { tenant_id: wrong, deployment_id: `${wrong}-a` };
    expect(await release({ tenantId }, assign)).toMatchObject({
      still_held: [{ held_for: 'conflict' }],
    });
    expect(await heldOf(db, tenantId)).toMatchObject([{ state: 'held', reason: 'unknown_tenant' }]);
    expect(await release({ tenantId })).toMatchObject({ released: 1, already_accepted: 1 });
    expect(await ledgerOf(db, wrong)).toMatchObject({ events: 0 });
  });
});

describe('a dismissal', () => {
  test('takes an event whose id was accepted with another content', async () => {
    const tenantId = newTenant();
    const [late, broken] = [eventOf(tenantId), eventOf(tenantId, { charge_cents: 'NaN' })];
    expect(await send(apiDb, [late, broken])).toEqual({ accepted: 0, held: 2 });
    await seedTenant(db, tenantId);
    const corrected = [late, broken].map((event) => ({ ...event, charge_cents: '9' }));
    expect(await send(apiDb, corrected)).toEqual({ accepted: 2, held: 0 });

    expect(await dismiss({ heldFor: 'malformed', tenantId })).toMatchObject({
      ...{ dismissed: 1, already_accepted: 0 },
    });
    expect(await dismiss({ heldFor: 'unknown_tenant', tenantId })).toMatchObject({
      ...{ dismissed: 1, already_accepted: 0 },
    });
    expect(await ledgerOf(db, tenantId)).toEqual({ events: 2, total: '18' });
  });

  test('refuses an event that was accepted with the same content, whatever else it dismisses', async () => {
    const tenantId = newTenant();
    const [accepted, other] = [eventOf(tenantId), eventOf(tenantId)];
    await send(apiDb, [accepted, other]);
    await seedTenant(db, tenantId);
    // Content is compared as it is stored: the same charge, written differently.
    const again = { ...accepted, charge_cents: '120.0' };
    expect(await send(apiDb, [again])).toEqual({ accepted: 1, held: 0 });
    expect(await dismiss({ heldFor: 'unknown_tenant', tenantId })).toMatchObject({
      ...{ dismissed: 1, already_accepted: 1 },
    });
    expect((await heldOf(db, tenantId)).map(({ state }) => state).sort()).toEqual([
      'dismissed',
      'held',
    ]);
  });
});
