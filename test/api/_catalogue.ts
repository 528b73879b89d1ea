import type { Response } from 'supertest';
import type { TestApi } from './_harness.ts';

/** Calls with an operator's key. */
export function operatorOf(api: TestApi) {
  const key = api.keys.operator;
  return {
    put: (path: string, body: unknown) => api.call('put', `/api/v1/${path}`, { key, body }),
    post: (path: string, body: unknown) => api.call('post', `/api/v1/${path}`, { key, body }),
    get: (path: string) => api.call('get', `/api/v1/${path}`, { key }),
  };
}
export type Operator = ReturnType<typeof operatorOf>;

/** Status, name of the problem, and the places it names. */
export function problemOf({ status, body }: Response) {
  const { type, errors } = body as {
    readonly type?: string;
    readonly errors?: readonly { readonly pointer?: string; readonly parameter?: string }[];
  };
  return {
    status,
    problem: type?.replace('urn:arcadia:problem:', ''),
    places: errors?.map(({ pointer, parameter }) => parameter ?? pointer),
  };
}

export const PLAN = {
  name: 'Team',
  currency: 'AUD',
  base_price_cents: 5000,
  proration: 'daily',
  items: [
    {
      resource_kind: 'gb',
      name: 'Storage',
      included_qty: '100',
      overage_price_cents: '2',
      overage_unit: 'gb',
      hard_cap_qty: null,
    },
    {
      resource_kind: 'llm_tokens',
      name: null,
      included_qty: null,
      overage_price_cents: null,
      overage_unit: null,
      hard_cap_qty: '0.5',
    },
  ],
};
export const ADDON = { name: 'More storage', resource_kind: 'gb', qty: '50', price_cents: 750 };

export const MAY = '2026-05-01T00:00:00Z';
export const JUNE = '2026-06-01T00:00:00Z';
export const JULY = '2026-07-01T00:00:00Z';

/** A tenant with a deployment, both of this name, of which `…-1` is a subscription that starts in May. */
export async function createTenant(
  { put }: Operator,
  name: string,
  subscription: object = {},
): Promise<string> {
  await put('plans/basic/versions/1', PLAN);
  await put('addons/more', ADDON);
  await put(`tenants/${name}`, { name, currency: 'AUD' });
  await put(`deployments/${name}`, { tenant_id: name });
  const id = `${name}-1`;
  const plan = { code: 'basic', version: 1 };
  const { status } = await put(`subscriptions/${id}`, {
    deployment_id: name,
    plan,
    starts_at: MAY,
    ...subscription,
  });
  if (status !== 201) throw new Error(`subscription ${id} was answered with ${status}`);
  return id;
}
