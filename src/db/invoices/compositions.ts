import { z } from 'zod';
import type { BilledDays, BilledDeployment } from '../../domain/service-days.ts';
import type { Queryable } from '../pool.ts';
import { sql, uuidArray } from '../sql.ts';

/**
 * What issued invoices were composed from, besides the usage that they hold: their deployments with the billed
 * subscriptions, days and addons. Stored with the invoice and covered by its digest.
 */

const row = z.object({
  invoiceId: z.string(),
  // Written by our own statement from the domain's types. Only verification validates it again.
  deployments: z.custom<readonly BilledDeployment[]>((value) => Array.isArray(value)),
});

/** Returns the compositions of invoices, by invoice id: their deployments in order. */
export async function readCompositions(
  db: Queryable,
  invoiceIds: readonly string[],
): Promise<ReadonlyMap<string, readonly BilledDeployment[]>> {
  const rows = await db.any(sql.type(row)`
    SELECT invoice_id AS "invoiceId", deployments FROM invoice_compositions
    WHERE invoice_id = ANY(${uuidArray(invoiceIds)}) ORDER BY invoice_id, part
  `);
  return new Map(
    [...Map.groupBy(rows, ({ invoiceId }) => invoiceId)].map(([invoiceId, parts]) => [
      invoiceId,
      parts.flatMap(({ deployments }) => deployments),
    ]),
  );
}

const storedDays = {
  serviceFrom: z.iso.date().nullable(),
  serviceTo: z.iso.date().nullable(),
  days: z.int().nonnegative(),
};

const storedComposition = z.array(
  z.object({
    deploymentId: z.string(),
    subscriptions: z.array(
      z.object({
        subscriptionId: z.string(),
        planVersionId: z.string(),
        proration: z.enum(['daily', 'none']),
        ...storedDays,
        addons: z.array(
          z.object({
            code: z.union([z.string(), z.number()]),
            name: z.string().nullable().default(null),
            resourceKind: z.string(),
            qty: z.union([z.string(), z.number()]).nullable(),
            priceCents: z.int(),
            ...storedDays,
            inForceAtEnd: z.boolean(),
          }),
        ),
      }),
    ),
  }),
) satisfies z.ZodType<readonly BilledDeployment[]>;

/**
 * Validates a composition as it was read, for verification, which must not rely on what it verifies.
 * @returns null if it is not valid, because it was changed in the database
 */
export function parseComposition(
  composition: readonly BilledDeployment[],
): readonly BilledDeployment[] | null {
  return storedComposition.safeParse(composition).data ?? null;
}

const billedDays = {
  service_from: z.iso.date().nullable().describe('The first billed day. Null if no day is billed.'),
  service_to: z.iso.date().nullable().describe('The last billed day, inclusive.'),
  days: z.int().describe('Days at whose last instant it was in force.'),
};

export const compositionSchema = z.array(
  z.object({
    deployment_id: z.string(),
    subscriptions: z
      .array(
        z.object({
          subscription_id: z.string(),
          plan_version_id: z.string(),
          proration: z.enum(['daily', 'none']),
          ...billedDays,
          addons: z.array(
            z.object({
              addon_code: z.string(),
              addon_name: z.string().nullable(),
              resource_kind: z.string(),
              qty: z.string(),
              price_cents: z.int(),
              ...billedDays,
              in_force_at_end: z
                .boolean()
                .describe(
                  "Whether it was in force at the subscription's last instant in the month.",
                ),
            }),
          ),
        }),
      )
      .describe('All that touched the month, by start. The last one prices the overage.'),
  }),
);
/** What an invoice was composed from, as the API serves it. */
export type CompositionView = z.infer<typeof compositionSchema>;

/** Returns a composition in the API's form. */
export function toCompositionView(deployments: readonly BilledDeployment[]): CompositionView {
  return deployments.map(({ deploymentId, subscriptions }) => ({
    deployment_id: deploymentId,
    subscriptions: subscriptions.map(({ subscriptionId, planVersionId, proration, ...billed }) => ({
      subscription_id: subscriptionId,
      plan_version_id: planVersionId,
      proration,
      ...daysOf(billed),
      addons: billed.addons.map(({ code, name, resourceKind, qty, priceCents, ...addon }) => ({
        addon_code: String(code),
        addon_name: name ?? null,
        resource_kind: resourceKind,
        qty: String(qty ?? 0),
        price_cents: priceCents,
        ...daysOf(addon),
        in_force_at_end: addon.inForceAtEnd,
      })),
    })),
  }));
}

function daysOf({ serviceFrom, serviceTo, days }: BilledDays) {
  return { service_from: serviceFrom, service_to: serviceTo, days };
}
