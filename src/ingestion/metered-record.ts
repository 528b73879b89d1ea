import { z } from 'zod';
import type { MeteredRecordRow } from '../db/usage/usage-ledger.ts';
import { OTHER_MODELS } from '../domain/llm-lines.ts';
import { normalizeDecimalString } from '../domain/decimal.ts';
import { contentHash } from './content-hash.ts';
import { decimalString, externalId, instant, visibleId } from './usage-fields.ts';
import type { Content, Entry, UsageKind } from './usage-kind.ts';

/** A quantity of a resource kind that a deployment used (docs/spec.md#usage). */
export const meteredRecordSchema = z
  .strictObject({
    record_id: visibleId(200).meta({ example: 'meter-2026-05-31-0001' }),
    tenant_id: externalId,
    deployment_id: externalId,
    resource_kind: visibleId(100).meta({ example: 'spaces_gb_month' }),
    qty: decimalString.describe('In the base unit of the resource kind.'),
    occurred_at: instant,
    replaces: visibleId(200)
      .optional()
      .describe(
        'Makes this record a correction: the record_id of the one that it replaces, which must be ' +
          'of the same deployment, resource kind and month. A correction that comes before that ' +
          'record is answered `retry_later`.',
      ),
  })
  .meta({ id: 'MeteredUsageRecord' });

export type MeteredRecord = z.infer<typeof meteredRecordSchema>;

/** A metered record whose bucket and added quantity are not yet known. */
export interface MeteredEntry extends Entry, Omit<MeteredRecordRow, 'bucketId' | 'addedQty'> {}

export const METERED_USAGE: UsageKind<MeteredRecord, MeteredEntry> = {
  source: 'metered',
  idField: 'record_id',
  schema: meteredRecordSchema,
  toEntry(record, _deployment, { serviceMonth, barred }) {
    const occurredAt = record.occurred_at;
    return {
      id: record.record_id,
      tenantId: record.tenant_id,
      deploymentId: record.deployment_id,
      resourceKind: record.resource_kind,
      serviceMonth,
      model: OTHER_MODELS,
      occurredAt: occurredAt.stored,
      qty: record.qty,
      replaces: record.replaces ?? null,
      // Sorted by name, so that `contentHash` needn't sort again.
      contentHash: contentHash({
        deployment_id: record.deployment_id,
        occurred_at: occurredAt.stored,
        qty: normalizeDecimalString(record.qty),
        record_id: record.record_id,
        replaces: record.replaces,
        resource_kind: record.resource_kind,
        tenant_id: record.tenant_id,
      } satisfies Content<MeteredRecord>),
      barred,
    };
  },
};
