import { z } from 'zod';
import {
  listNotes,
  noteHeaderSchema,
  noteLineSchema,
  type NoteCursor,
  type NoteHeader,
} from '../../db/invoices/note-views.ts';
import { monthStart } from '../../domain/period.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { cursorParam, nextCursor, pagedBy } from '../http/paging.ts';
import { month, pageLimit } from '../http/request-fields.ts';
import { knownTenant, readerOf } from './invoice-params.ts';
import { noteParams, requireNote } from './note-params.ts';

/** Pages through adjustment notes, newest month first. */
export const pageOfNotes = pagedBy(
  z.strictObject({
    period_start: z.string().regex(/^[12]\d{3}-(?:0[1-9]|1[0-2])-01$/),
    adjustment_note_id: z.uuid(),
  }),
  ({ period_start, adjustment_note_id }: NoteHeader): NoteCursor => ({
    period_start,
    adjustment_note_id,
  }),
);

/** Lists adjustment notes, newest month first. */
export const getAdjustmentNotes = defineRoute(
  {
    method: 'get',
    path: '/api/v1/adjustment-notes',
    operationId: 'getAdjustmentNotes',
    tag: 'Adjustment notes',
    summary: 'List adjustment notes, newest month first',
    description: 'A tenant key sees only notes of its own tenant, once their period is released.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    query: z.strictObject({
      tenant_id: externalId.optional(),
      month: month.optional().describe('The service month of the invoices that they adjust.'),
      invoice_id: z.uuid().optional().describe('The invoice that they adjust.'),
      limit: pageLimit(200, 50),
      cursor: cursorParam,
    }),
    responses: {
      200: {
        description: 'A page of adjustment notes',
        schema: z.object({
          adjustment_notes: z.array(noteHeaderSchema),
          next_cursor: nextCursor,
        }),
      },
    },
    problems: ['not-found'],
  },
  async ({ query, caller }, { db }) => {
    const filter = {
      tenantId: await knownTenant(db, caller, query.tenant_id),
      periodStart: query.month && monthStart(query.month),
      invoiceId: query.invoice_id,
    };
    const { entries, next_cursor } = await pageOfNotes(query, (page) =>
      listNotes(db, filter, page, readerOf(caller)),
    );
    return reply(200, { adjustment_notes: entries, next_cursor });
  },
);

/** Reads an adjustment note with its lines. */
export const getAdjustmentNote = defineRoute(
  {
    method: 'get',
    path: '/api/v1/adjustment-notes/{adjustment_note_id}',
    operationId: 'getAdjustmentNote',
    tag: 'Adjustment notes',
    summary: 'Read an adjustment note with its lines',
    description:
      'What a settled invoice and its notes charge together is what a fresh invoice would charge, less the ' +
      'credits given. A note never changes.',
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    params: noteParams,
    responses: {
      200: {
        description: 'The adjustment note',
        schema: noteHeaderSchema.extend({ lines: z.array(noteLineSchema) }),
      },
    },
    problems: ['not-found'],
  },
  async ({ params, caller }, { db }) =>
    reply(200, await requireNote(db, params.adjustment_note_id, caller)),
);
