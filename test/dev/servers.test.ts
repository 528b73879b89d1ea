import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../_util/database.ts';
import { claimNamespace } from '../_util/temporal.ts';

describe('the PostgreSQL for tests', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  async function query(url: string, sql: string): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  it('lets each role in under its own name', async () => {
    const who = 'SELECT current_user AS who';
    expect(await query(database.apiUrl, who)).toEqual([{ who: 'arcadia_api' }]);
    expect(await query(database.workerUrl, who)).toEqual([{ who: 'arcadia_worker' }]);
    expect(await query(database.appUrl, who)).toEqual([{ who: 'arcadia_app' }]);
    expect(await query(database.readonlyUrl, who)).toEqual([{ who: 'arcadia_readonly' }]);
    expect(await query(database.migratorUrl, who)).toEqual([{ who: 'arcadia_migrator' }]);
    expect(await query(database.superuserUrl, who)).toEqual([{ who: 'postgres' }]);
  });

  it('has the migrations applied', async () => {
    const applied = await query(database.superuserUrl, 'SELECT name FROM schema_migrations');
    expect(applied).not.toEqual([]);
  });

  it('refuses the app role a table of its own', async () => {
    await expect(query(database.appUrl, 'CREATE TABLE mine (id int)')).rejects.toThrow(
      'permission denied',
    );
  });

  it('keeps databases apart', async () => {
    const other = await createTestDatabase();
    await query(database.migratorUrl, 'CREATE TABLE only_here (id int)');
    await expect(query(other.migratorUrl, 'TABLE only_here')).rejects.toThrow('does not exist');
    await other.drop();
  });
});

describe('the Temporal server for tests', () => {
  it('has a namespace of its own for each file, with our search attributes', async () => {
    const { address, namespace } = await claimNamespace();
    expect((await claimNamespace()).namespace).not.toBe(namespace);
    const connection = await Connection.connect({ address });
    try {
      const client = new Client({ connection, namespace });
      await client.workflow.start('nobody-runs-this', {
        taskQueue: 'none',
        workflowId: 'a',
        typedSearchAttributes: [
          {
            key: defineSearchAttributeKey('BillingPeriod', SearchAttributeType.KEYWORD),
            value: '2026-05',
          },
        ],
      });
      await expect
        .poll(() => client.workflow.count(`BillingPeriod = '2026-05'`), { timeout: 10_000 })
        .toMatchObject({ count: 1 });
    } finally {
      await connection.close();
    }
  });
});
