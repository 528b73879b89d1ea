import { meteredRecordSchema } from '../../ingestion/metered-record.ts';
import { defineUsageRoute } from './usage.ts';

const RECORD = {
  record_id: 'meter-2026-05-20-0001',
  tenant_id: 'acme',
  deployment_id: 'acme-a',
  resource_kind: 'llm_tokens',
  qty: '1500',
  occurred_at: '2026-05-20T08:30:00Z',
};

export const postMeteredUsage = defineUsageRoute({
  path: '/api/v1/integrations/metered-usage',
  operationId: 'postMeteredUsage',
  scope: 'metering',
  summary: 'Post metered infrastructure usage',
  source: 'metered',
  idField: 'record_id',
  batchField: 'records',
  schema: meteredRecordSchema,
  examples: {
    batch: [RECORD, { ...RECORD, record_id: 'meter-2026-05-20-0002', qty: '12.5' }],
    others: {
      'A correction': {
        ...RECORD,
        record_id: 'meter-2026-05-20-0001-corrected',
        qty: '1400',
        replaces: RECORD.record_id,
      },
    },
  },
});
