import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BILLING_PERIOD, SEARCH_ATTRIBUTES } from '../../src/contracts/ids.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { registerSearchAttributes } from '../../src/temporal/search-attributes.ts';
import { claimNamespace } from '../_util/temporal.ts';
import { until } from '../_util/until.ts';

let connection: Connection;
beforeAll(async () => {
  const { address } = await claimNamespace();
  connection = await Connection.connect({ address });
});
afterAll(() => connection.close());

test('a new namespace gets the search attributes once, also with concurrent registrations', async () => {
  const namespace = 'without-search-attributes';
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  await until(
    () => connection.workflowService.describeNamespace({ namespace }),
    ({ namespaceInfo }) => namespaceInfo?.name === namespace,
  );
  await Promise.all([1, 2, 3].map(() => registerSearchAttributes(connection, namespace)));

  const known = async () =>
    Object.keys(
      (await connection.operatorService.listSearchAttributes({ namespace })).customAttributes,
    );
  const names = Object.keys(SEARCH_ATTRIBUTES).toSorted();
  await until(known, (found) => names.every((name) => found.includes(name)));
  expect(await registerSearchAttributes(connection, namespace)).toEqual([]);
});

test('a month can be requested while the search attributes are being registered', async () => {
  const namespace = 'starting';
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  const client = new Client({ connection, namespace });
  await until(
    () => client.workflowService.describeNamespace({ namespace }),
    ({ namespaceInfo }) => namespaceInfo?.name === namespace,
  );
  const [workflowId] = await Promise.all([
    requestMonthEnd(client, { month: '2026-05', requestId: 'r1', actor: 'test' }),
    registerSearchAttributes(connection, namespace),
  ]);
  const { typedSearchAttributes } = await client.workflow.getHandle(workflowId).describe();
  expect(typedSearchAttributes.get(BILLING_PERIOD)).toBe('2026-05');
});
