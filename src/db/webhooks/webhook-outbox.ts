import type { FragmentSqlToken } from 'slonik';
import type { Failure } from '../../contracts/failures.ts';
import type { OutcomeCounts } from '../../contracts/month-end-types.ts';
import type { Period } from '../../domain/period.ts';
import { dueOn, isReleased, releasedAt } from '../release-facts.ts';
import { sql, uuidArray } from '../sql.ts';
import { documentData, eventsOf, invoiceData, telling } from './outbox-events.ts';
import { paidBeforeRelease, paidByNotes } from './payment-events.ts';

/**
 * The webhook outbox (ADR 19). The statement that makes an event true writes it, or a later one in the same
 * transaction does, so events that were rolled back are never sent. If no live endpoint subscribes to a type,
 * its events aren't queried at all.
 *
 * Events that name an invoice or an adjustment note wait for the release of its period (docs/spec.md#release):
 * statements about documents ask `isReleased`, and the release writes the events of the live invoices.
 */

/** The fields of events of an adjustment note `i`, as arguments of `jsonb_build_object`. */
const NOTE_DATA = sql.fragment`
  'adjustment_note_id', i.invoice_id, ${documentData('i')},
  'adjusts_invoice_id', i.adjusts_invoice_id, 'origin', i.note_origin,
  'links', jsonb_build_object('adjustment_note', '/api/v1/adjustment-notes/' || i.invoice_id,
    'invoice', '/api/v1/invoices/' || i.adjusts_invoice_id)`;

/** A document that is being issued. */
interface IssuedDocument {
  readonly documentId: string;
  readonly isNote: boolean;
  /** Whether it is an invoice that replaces another one. */
  readonly isRevision: boolean;
}

/**
 * Returns parts of a WITH that write the events of issued documents, if their period is released: `invoice.issued`,
 * `invoice.superseded` for the invoices that they replace, `adjustment_note.issued`, and `invoice.paid` for invoices whose
 * balance the notes take to 0. Only events that these documents can cause are in it, because PostgreSQL plans all parts
 * of a statement, and a month mostly has first invoices.
 */
export function tellingIssued(documents: readonly IssuedDocument[]) {
  const idsOf = (group: readonly IssuedDocument[]) => group.map(({ documentId }) => documentId);
  const released = (group: readonly IssuedDocument[]) =>
    sql.fragment`i.invoice_id = ANY(${uuidArray(idsOf(group))}) AND ${isReleased('i')}`;
  const notes = documents.filter(({ isNote }) => isNote);
  const invoices = documents.filter(({ isNote }) => !isNote);
  const revisions = documents.filter(({ isRevision }) => isRevision);
  const events: FragmentSqlToken[] = [];
  if (invoices.length > 0) {
    events.push(invoiceIssued(sql.fragment`FROM invoices i WHERE ${released(invoices)}`));
  }
  if (revisions.length > 0) {
    events.push(
      eventsOf(
        'invoice.superseded',
        sql.fragment`old.tenant_id`,
        sql.fragment`jsonb_build_object(${invoiceData('old')}, 'superseded_by', i.invoice_id)`,
        sql.fragment`FROM invoices i JOIN invoices old ON old.invoice_id = i.replaces_invoice_id
          WHERE ${released(revisions)}`,
      ),
    );
  }
  if (notes.length > 0) {
    events.push(
      noteIssued(sql.fragment`FROM invoices i WHERE ${released(notes)}`),
      paidByNotes(idsOf(notes)),
    );
  }
  return telling(events);
}

/**
 * Returns parts of a WITH that write the events of a release: these live invoices and adjustment notes are issued, and
 * the invoices released, and paid if they were paid before.
 */
export function tellingReleased(documentIds: readonly string[]) {
  const ofDocuments = sql.fragment`FROM invoices i WHERE i.invoice_id = ANY(${uuidArray(documentIds)})`;
  return telling([
    invoiceIssued(sql.fragment`${ofDocuments} AND i.kind = 'invoice'`),
    noteIssued(sql.fragment`${ofDocuments} AND i.kind = 'adjustment_note'`),
    eventsOf(
      'invoice.released',
      sql.fragment`i.tenant_id`,
      sql.fragment`jsonb_build_object(${invoiceData('i')}, 'due_on', ${dueOn('i')},
        'released_at', ${instantText(releasedAt('i'))})`,
      sql.fragment`${ofDocuments} AND i.kind = 'invoice'`,
    ),
    paidBeforeRelease(documentIds),
  ]);
}

/** @param from names the invoices `i`, with a WHERE */
function invoiceIssued(from: FragmentSqlToken) {
  return eventsOf(
    'invoice.issued',
    sql.fragment`i.tenant_id`,
    sql.fragment`jsonb_build_object(${invoiceData('i')}, 'replaces_invoice_id', i.replaces_invoice_id)`,
    from,
  );
}

/** @param from names the adjustment notes `i`, with a WHERE */
function noteIssued(from: FragmentSqlToken) {
  return eventsOf(
    'adjustment_note.issued',
    sql.fragment`i.tenant_id`,
    sql.fragment`jsonb_build_object(${NOTE_DATA})`,
    from,
  );
}

/** An instant in JSON, in UTC. */
function instantText(instant: FragmentSqlToken) {
  return sql.fragment`to_char(${instant}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

/**
 * Returns parts of a WITH that write `review.waiting`.
 * @param waiting SELECTs one row per month to remind of: `month`, `invoices`, `since` and `totals`; with a WHERE
 */
export function tellingReviewWaiting(waiting: FragmentSqlToken) {
  return telling([
    eventsOf(
      'review.waiting',
      sql.fragment`NULL`,
      sql.fragment`jsonb_build_object('month', w.month, 'invoices', w.invoices, 'since', ${instantText(sql.fragment`w.since`)},
        'totals', w.totals, 'links', jsonb_build_object('month_end', '/api/v1/roll-ups/' || w.month))`,
      sql.fragment`FROM (${waiting}) w WHERE true`,
    ),
  ]);
}

/** Returns parts of a WITH that write `invoice.voided`, once its month is released. */
export function tellingVoided(
  invoiceId: string,
  { actor, reason }: { readonly actor: string; readonly reason: string },
) {
  return telling([
    eventsOf(
      'invoice.voided',
      sql.fragment`i.tenant_id`,
      sql.fragment`jsonb_build_object(${invoiceData('i')}, 'actor', ${actor}::text, 'reason', ${reason}::text)`,
      sql.fragment`FROM invoices i WHERE i.invoice_id = ${invoiceId}::uuid AND ${isReleased('i')}`,
    ),
  ]);
}

/**
 * Returns parts of a WITH that write `tenant.parked`, unless the tenant is already parked for the same reason.
 * They belong in the statement that writes the outcome, before that part.
 */
export function tellingParked(period: Period, tenantId: string, { type, reason }: Failure) {
  return telling([
    eventsOf(
      'tenant.parked',
      sql.fragment`t.tenant_id`,
      sql.fragment`jsonb_build_object('tenant_id', t.tenant_id, 'month', ${period.month}::text,
        'reason_type', ${type}::text, 'reason', ${reason}::text,
        'links', jsonb_build_object('month_end', '/api/v1/roll-ups/' || ${period.month}))`,
      sql.fragment`FROM tenants t WHERE t.tenant_id = ${tenantId} AND NOT EXISTS (
        SELECT FROM tenant_outcomes o
        WHERE o.tenant_id = t.tenant_id AND o.period_start = ${period.periodStart}
          AND o.outcome = 'parked' AND o.reason_type = ${type} AND o.reason = ${reason}
      )`,
    ),
  ]);
}

/** The result of a run: due tenants by their latest outcome, and whether the books balance. */
export interface RunResult {
  readonly due: number;
  readonly outcomes: OutcomeCounts;
  readonly balanced: boolean;
}

/**
 * Returns parts of a WITH that write `run.finished`.
 * @param finished a part of the same WITH that returns the `request_id` of each request that the run served; if
 * it returns none, the run has already ended and there is no event
 */
export function tellingRunFinished(period: Period, result: RunResult, finished: FragmentSqlToken) {
  const { due, outcomes, balanced } = result;
  const tenants = { due, ...outcomes };
  return telling([
    eventsOf(
      'run.finished',
      sql.fragment`NULL`,
      sql.fragment`jsonb_build_object('month', ${period.month}::text, 'balanced', ${balanced}::boolean,
        'tenants', ${JSON.stringify(tenants)}::jsonb,
        'request_ids', (SELECT jsonb_agg(request_id ORDER BY request_id) FROM (
          SELECT request_id FROM ${finished} ORDER BY request_id LIMIT ${SHOWN_REQUESTS}) shown),
        'requests', (SELECT count(*) FROM ${finished}),
        'links', jsonb_build_object('month_end', '/api/v1/roll-ups/' || ${period.month}))`,
      sql.fragment`WHERE EXISTS (SELECT FROM ${finished})`,
    ),
  ]);
}

/** Maximum number of request ids in an event; `requests` counts all of them. */
const SHOWN_REQUESTS = 10;
