import { expect } from 'vitest';
import { z } from 'zod';
import { sql } from '../../src/db/sql.ts';
import { litellmEvent } from '../_util/litellm-event.ts';
import { seedUsd } from '../_util/seed.ts';
import { startTestServer, type TestServer } from './_server.ts';

export const PATH = '/api/v1/integrations/litellm';

/** The counts of a body without events. */
export const NONE = {
  ...{ accepted: 0, duplicates: 0, conflicts: 0, unpriced: 0, quarantined: 0 },
  counted: { failures: 0, cache_hits: 0, no_cost: 0, free_models: 0 },
};

/** The API, with two tenants that are billed in LiteLLM's currency. */
export async function startLitellmServer(
  options?: Parameters<typeof startTestServer>[0],
): Promise<TestServer> {
  const server = await startTestServer(options);
  await seedUsd(server.db, 'harbour-studio', ['harbour-studio-web']);
  await seedUsd(server.db, 'juniper-labs', ['juniper-labs-api']);
  return server;
}

/** A request of `harbour-studio` that cost half a dollar, with the given fields replaced. */
export function sent(fields: object = {}, metadata: object = {}) {
  const id = crypto.randomUUID();
  return litellmEvent({
    ...{ id: `chatcmpl-${id}`, litellm_call_id: id, response_cost: 0.5 },
    metadata: {
      user_api_key_alias: 'harbour-studio-web',
      user_api_key_team_id: 'harbour-studio',
      user_api_key_auth_metadata: {},
      ...metadata,
    },
    ...fields,
  });
}

interface PostOptions {
  /** Default: the gateway's. */
  readonly key?: string;
  readonly type?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function post(
  { api, keys }: TestServer,
  body: string | Buffer,
  { key = keys.gateway, type = 'application/json', query = '', headers }: PostOptions = {},
) {
  const response = await fetch(`${api.url}${PATH}${query}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': type, ...headers },
    body,
  });
  const answer = (await response.json()) as {
    counts?: typeof NONE;
    type?: string;
    detail?: string;
  };
  return { status: response.status, ...answer };
}

/** Posts a body that has to be answered with 200. */
export async function countsOf(server: TestServer, body: string | Buffer, options?: PostOptions) {
  const { status, counts, detail } = await post(server, body, options);
  expect({ status, detail }).toEqual({ status: 200, detail: undefined });
  return counts;
}

const heldRow = z.object({
  id: z.string(),
  reason: z.string(),
  detail: z.string(),
  fields: z.string(),
});

/** What is held in quarantine. */
export function held({ db }: TestServer): Promise<readonly z.infer<typeof heldRow>[]> {
  return db.any(sql.type(heldRow)`
    SELECT source_id AS id, reason, detail, fields::text FROM quarantined_events ORDER BY quarantine_id`);
}
