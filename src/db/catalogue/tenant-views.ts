import { z } from 'zod';
import { BUYER_AS_JSON, buyerSchema } from './buyer-details.ts';
import { LATEST_ASSIGNMENTS } from '../tax/latest-entries.ts';
import { assignmentSchema } from '../tax/tax-views.ts';
import { type Page, allOf, sql } from '../sql.ts';
import type { Queryable } from '../pool.ts';

/** Reads tenants and their deployments for the API. Fields are named as in a subscriptions file. */

export const tenantSchema = z
  .object({
    tenant_id: z.string(),
    name: z.string(),
    currency: z.string(),
    buyer: buyerSchema.nullable().describe('As the documents of later invoices say it.'),
    tax: z
      .array(assignmentSchema.omit({ tenant_id: true }))
      .describe(
        'The tax treatments that it has, each from a month on. Before the first one it has `gst`.',
      ),
  })
  .meta({
    example: {
      tenant_id: 'acme',
      name: 'Acme Pty Ltd',
      currency: 'AUD',
      buyer: {
        legal_name: 'Acme Holdings Pty Ltd',
        abn: '51824753556',
        address: ['Level 3, 12 Wharf Road', 'Sydney NSW 2000', 'Australia'],
        contact: 'Accounts payable',
        email: 'accounts@acme.example',
      },
      tax: [{ from: '2026-05', treatment: 'nz-export' }],
    },
  });
export type TenantView = z.infer<typeof tenantSchema>;

const TENANT_COLUMNS = sql.fragment`t.tenant_id, t.name, t.currency, (
    SELECT ${BUYER_AS_JSON} FROM buyer_details b
    WHERE b.tenant_id = t.tenant_id ORDER BY b.version DESC LIMIT 1
  ) AS buyer, (
    SELECT coalesce(jsonb_agg(jsonb_build_object('from', a."from", 'treatment', a.treatment)
      ORDER BY a.from_month), '[]')
    FROM ${LATEST_ASSIGNMENTS} a WHERE a.tenant_id = t.tenant_id
  ) AS tax`;

export function showTenant(db: Queryable, tenantId: string): Promise<TenantView | null> {
  return db.maybeOne(sql.type(tenantSchema)`
    SELECT ${TENANT_COLUMNS} FROM tenants t WHERE t.tenant_id = ${tenantId}
  `);
}

/** Condition on a tenant: its id or name contains a text, case-insensitive. */
export function matchesTenant(alias: string, search: string) {
  const column = (name: string) => sql.identifier([alias, name]);
  return sql.fragment`(position(lower(${search}) IN lower(${column('tenant_id')})) > 0
    OR position(lower(${search}) IN lower(${column('name')})) > 0)`;
}

/**
 * Returns a page of tenants, ordered by id.
 * @param search part of the id or name, case-insensitive; undefined: all tenants
 */
export function listTenants(
  db: Queryable,
  { after, limit }: Page<string>,
  search?: string,
): Promise<readonly TenantView[]> {
  const conditions = [
    search !== undefined && matchesTenant('t', search),
    after !== null && sql.fragment`t.tenant_id > ${after}`,
  ];
  return db.any(sql.type(tenantSchema)`
    SELECT ${TENANT_COLUMNS} FROM tenants t
    WHERE ${allOf(conditions)} ORDER BY t.tenant_id LIMIT ${limit}
  `);
}

export const deploymentSchema = z
  .object({ deployment_id: z.string(), tenant_id: z.string() })
  .meta({ example: { deployment_id: 'acme-web', tenant_id: 'acme' } });
export type DeploymentView = z.infer<typeof deploymentSchema>;

export function showDeployment(
  db: Queryable,
  deploymentId: string,
): Promise<DeploymentView | null> {
  return db.maybeOne(sql.type(deploymentSchema)`
    SELECT deployment_id, tenant_id FROM deployments WHERE deployment_id = ${deploymentId}
  `);
}

/**
 * Returns a page of deployments, ordered by id.
 * @param tenantId undefined: deployments of all tenants
 */
export function listDeployments(
  db: Queryable,
  tenantId: string | undefined,
  { after, limit }: Page<string>,
): Promise<readonly DeploymentView[]> {
  const conditions = [
    tenantId !== undefined && sql.fragment`tenant_id = ${tenantId}`,
    after !== null && sql.fragment`deployment_id > ${after}`,
  ];
  return db.any(sql.type(deploymentSchema)`
    SELECT deployment_id, tenant_id FROM deployments
    WHERE ${allOf(conditions)}
    ORDER BY deployment_id LIMIT ${limit}
  `);
}
