import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/ids.ts';
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
