import { meteredRecordSchema } from '../../ingestion/metered-record.ts';
import { defineUsageRoute } from './usage.ts';

export const postMeteredUsage = defineUsageRoute({
  path: '/api/v1/integrations/metered-usage',
  operationId: 'postMeteredUsage',
  scope: 'metering',
  summary: 'Post metered infrastructure usage',
  source: 'metered',
  idField: 'record_id',
  batchField: 'records',
  schema: meteredRecordSchema,
});
