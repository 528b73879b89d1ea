import { z } from 'zod';
import type { Page } from './page.ts';
import type { Queryable } from './pool.ts';
import { allOf, sql } from './sql.ts';

/** Reading tenants and their deployments, for the API. Fields are named as in the feed's file. */

export const tenantSchema = z
  .object({ tenant_id: z.string(), name: z.string(), currency: z.string() })
  .meta({ example: { tenant_id: 'acme', name: 'Acme Pty Ltd', currency: 'AUD' } });
export type TenantView = z.infer<typeof tenantSchema>;

export function showTenant(db: Queryable, tenantId: string): Promise<TenantView | null> {
  return db.maybeOne(sql.type(tenantSchema)`
    SELECT tenant_id, name, currency FROM tenants WHERE tenant_id = ${tenantId}
  `);
}

/** By id. */
export function listTenants(
  db: Queryable,
  { after, limit }: Page<string>,
): Promise<readonly TenantView[]> {
  const isAfter = after !== null && sql.fragment`tenant_id > ${after}`;
  return db.any(sql.type(tenantSchema)`
    SELECT tenant_id, name, currency FROM tenants
    WHERE ${allOf([isAfter])} ORDER BY tenant_id LIMIT ${limit}
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
 * By id.
 * @param tenantId whose; undefined: everybody's
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
