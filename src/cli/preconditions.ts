import { z } from 'zod';
import { findUnknown, type NamedThing } from '../db/named-things.ts';
import type { Queryable } from '../db/pool.ts';
import { CliError } from './cli-error.ts';
import { findInvoiceId, showInvoice, type InvoiceView } from '../db/invoices/invoice-views.ts';
import { findNoteId, showNote, type NoteView } from '../db/invoices/note-views.ts';
import { whyNotClosable, whyTooEarly } from '../db/month-end/closable-months.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import { previousMonth, type Month } from '../domain/period.ts';

/**
 * Rejects ids that don't exist, so that a mistyped id doesn't look like one without data.
 * @param ids undefined if the user named none
 * @throws CliError
 */
export async function requireKnown(
  db: Queryable,
  kind: NamedThing,
  ids: readonly string[] | string | undefined,
): Promise<void> {
  const unknown = await findUnknown(db, kind, [ids ?? []].flat());
  if (unknown.length > 0) throw new CliError(`There is no ${kind} ${unknown.join(', ')}`);
}

/**
 * Returns the invoice with this number or id.
 * @throws CliError if there is none
 */
export async function requireInvoice(db: Queryable, idOrNumber: string): Promise<InvoiceView> {
  const isId = z.uuid().safeParse(idOrNumber).success;
  const id = isId ? idOrNumber : await findInvoiceId(db, idOrNumber);
  const invoice = id === null ? null : await showInvoice(db, id);
  if (invoice !== null) return invoice;
  const isNote = !isId && (await findNoteId(db, idOrNumber)) !== null;
  throw new CliError(
    isNote
      ? `${idOrNumber} is an adjustment note. See \`notes show\`.`
      : `There is no invoice ${idOrNumber}`,
  );
}

/**
 * Returns the adjustment note with this number or id.
 * @throws CliError if there is none
 */
export async function requireNote(db: Queryable, idOrNumber: string): Promise<NoteView> {
  const isId = z.uuid().safeParse(idOrNumber).success;
  const id = isId ? idOrNumber : await findNoteId(db, idOrNumber);
  const found = id === null ? null : await showNote(db, id);
  if (found === null) throw new CliError(`There is no adjustment note ${idOrNumber}`);
  return found;
}

/** The error for a key id that no key has. */
export function unknownKey(keyId: string): CliError {
  return new CliError(`There is no key with id ${keyId}. See \`keys list\`.`);
}

/**
 * Rejects months that can't be closed. The workflow would refuse them too; this fails before any signal is sent.
 * @throws CliError if the month isn't over, or is before the first subscription
 */
export async function requireClosable(db: Queryable, month: Month): Promise<void> {
  refuse(await whyNotClosable(db, month, new Date()));
}

/**
 * Rejects months without anything to bill. For commands that only read: an empty result for a mistyped year would
 * look like good news.
 * @throws CliError if the month is before the first subscription
 */
export async function requireBillable(db: Queryable, month: Month): Promise<void> {
  refuse(await whyTooEarly(db, month, new Date()));
}

function refuse(reason: string | null): void {
  if (reason !== null) throw new CliError(reason);
}

/**
 * Rejects a `--before` that reaches into the months to keep: the current month and `monthsKept` full months before it.
 * @param variable environment variable that sets `monthsKept`
 * @throws CliError
 */
export async function requireOlder(
  db: Queryable,
  before: Month,
  monthsKept: number,
  variable: string,
): Promise<void> {
  const { monthOf } = await loadCalendar(db);
  const oldestKept = Array.from({ length: monthsKept }).reduce<Month>(
    previousMonth,
    monthOf(new Date()),
  );
  if (before <= oldestKept) return;
  throw new CliError(
    `--before can be ${oldestKept} at the latest: ${variable} keeps ${monthsKept} full months`,
  );
}
