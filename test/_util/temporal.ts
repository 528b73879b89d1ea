import { inject } from 'vitest';
import { asSuperuser } from '../../dev/postgres-roles.ts';

/** More than there are test files: each takes one and leaves it used. */
export const NAMESPACE_COUNT = 120;

/** Counts the namespaces handed out, over all the processes that run test files. */
export const NAMESPACE_SEQUENCE = 'test_namespace';

export function namespaceName(number: number): string {
  return `test-${number}`;
}

export interface TestNamespace {
  address: string;
  namespace: string;
}

/** A namespace of the Temporal server that no other test file works in. */
export async function claimNamespace(): Promise<TestNamespace> {
  const number = await asSuperuser(inject('superuserUrl'), async (client) => {
    const { rows } = await client.query<{ number: string }>(
      `SELECT nextval('${NAMESPACE_SEQUENCE}') AS number`,
    );
    return Number(rows[0]?.number);
  });
  if (number > NAMESPACE_COUNT) {
    throw new Error(`All ${NAMESPACE_COUNT} namespaces are used: raise NAMESPACE_COUNT.`);
  }
  return { address: inject('temporalAddress'), namespace: namespaceName(number) };
}
