import { z } from 'zod';
import { findUnknown, type NamedThing } from '../db/catalogue/named-things.ts';
import type { Queryable } from '../db/pool.ts';
import { CliError } from './cli-error.ts';
import { findInvoiceId, showInvoice, type InvoiceView } from '../db/invoices/invoice-views.ts';
import { whyNotClosable, whyTooEarly } from '../db/month-end/closable-months.ts';
import { type Month, monthOfInstant, previousMonth } from '../domain/period.ts';

/**
 * Refuses ids that don't exist: a mistyped one must not look like one of which there is nothing to say.
 * @param ids undefined: nothing was named
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
 * The invoice that a user named by its number or its id.
 * @throws CliError
 */
export async function requireInvoice(db: Queryable, idOrNumber: string): Promise<InvoiceView> {
  const isId = z.uuid().safeParse(idOrNumber).success;
  const id = isId ? idOrNumber : await findInvoiceId(db, idOrNumber);
  const invoice = id === null ? null : await showInvoice(db, id);
  if (invoice === null) throw new CliError(`There is no invoice ${idOrNumber}`);
  return invoice;
}

/** No key has the id that a user gave. */
export function unknownKey(keyId: string): CliError {
  return new CliError(`There is no key with the id ${keyId}: see \`keys list\``);
}

/**
 * The workflow refuses such a month too; here it is said at once, and nothing is signalled.
 * @throws CliError where the month isn't over, or is before the first subscription
 */
export async function requireClosable(db: Queryable, month: Month): Promise<void> {
  refuse(await whyNotClosable(db, month, new Date()));
}

/**
 * For commands that only read: an empty answer about a mistyped year would look like good news.
 * @throws CliError where the month is before the first subscription
 */
export async function requireBillable(db: Queryable, month: Month): Promise<void> {
  refuse(await whyTooEarly(db, month, new Date()));
}

function refuse(reason: string | null): void {
  if (reason !== null) throw new CliError(reason);
}

/**
 * Refuses to reach into the months that are kept: the present one, and so many full ones before it.
 * @throws CliError
 */
export function requireOlder(before: Month, monthsKept: number, variable: string, now: Date): void {
  const oldestKept = Array.from({ length: monthsKept }).reduce<Month>(
    previousMonth,
    monthOfInstant(now),
  );
  if (before <= oldestKept) return;
  throw new CliError(
    `${monthsKept} full months are kept (${variable}): --before can be ${oldestKept} at the latest`,
  );
}
