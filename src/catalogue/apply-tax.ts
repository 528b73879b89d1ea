import { inApplyTurn } from '../db/settings/apply-turn.ts';
import { findTenants } from '../db/catalogue/stored-subscriptions.ts';
import type { Database, Transaction } from '../db/pool.ts';
import {
  findAssignments,
  findExchangeRates,
  findTreatments,
  insertAssignments,
  insertExchangeRates,
  insertRegistrations,
  insertTreatments,
  readRegistrations,
} from '../db/tax/tax-data.ts';
import { lockTenants } from '../db/transactions.ts';
import type { BillingCalendar } from '../domain/billing-calendar.ts';
import type { Month } from '../domain/period.ts';
import type { ApplyOptions } from './apply-catalogue.ts';
import { ApplyError, type Remark } from './apply-error.ts';
import {
  diffTax,
  placeTaxFile,
  type CurrentTax,
  type PlacedTax,
  type TaxChanges,
} from './tax-changes.ts';
import type { SubscriptionsFile } from './subscriptions-file.ts';
import type { TaxFile } from './tax-file.ts';
import { warningsOfTax } from './tax-warnings.ts';

export interface AppliedTax extends TaxChanges {
  readonly warnings: readonly Remark[];
}

/**
 * Applies tax data, all or nothing; applying it again changes nothing.
 * @throws ApplyError
 */
export function applyTaxFile(
  db: Database,
  file: TaxFile,
  options: ApplyOptions = {},
): Promise<AppliedTax> {
  return inApplyTurn(db, (tx, calendar) => applyTax(tx, calendar, file, options));
}

/**
 * The same inside `inApplyTurn`.
 * @throws ApplyError
 */
export async function applyTax(
  tx: Transaction,
  calendar: BillingCalendar,
  file: TaxFile,
  { name = 'the request', dryRun = false }: ApplyOptions = {},
): Promise<AppliedTax> {
  const { changes, write, findWarnings } = await prepareTax(tx, calendar, placeTaxFile(file));
  if (changes.problems.length > 0) throw new ApplyError(name, changes.problems);
  if (!dryRun) await write();
  return { ...changes, warnings: await findWarnings() };
}

/** Tax data that was compared with what is stored. */
export interface PreparedTax {
  readonly changes: TaxChanges;
  readonly write: () => Promise<void>;
  readonly findWarnings: () => Promise<readonly Remark[]>;
}

/**
 * Compares tax data with what is stored. Call it inside `inApplyTurn`.
 * @param newTenantIds tenants that the same input adds
 */
export async function prepareTax(
  tx: Transaction,
  calendar: BillingCalendar,
  sent: PlacedTax,
  newTenantIds: readonly string[] = [],
): Promise<PreparedTax> {
  const stored = await readCurrentTax(tx, calendar.monthOf(new Date()), sent);
  const current = { ...stored, tenantIds: new Set([...stored.tenantIds, ...newTenantIds]) };
  const changes = diffTax(sent, current);
  return {
    changes,
    write: () => writeTax(tx, changes),
    findWarnings: () => warningsOfTax(tx, sent, current, changes),
  };
}

/** Returns the tax treatments that a subscriptions file gives to its tenants, with their paths. */
export function placeTenantsTax({ tenants }: SubscriptionsFile): PlacedTax {
  const assignments = tenants.flatMap(({ tenant_id, tax = [] }, i) =>
    tax.map((entry, j) => ({ ...entry, tenant_id, path: ['tenants', i, 'tax', j] })),
  );
  return { treatments: [], assignments, registrations: [], exchangeRates: [] };
}

/**
 * Reads what is stored of everything that the input names. Locks the tenants of assignments, so that their invoices
 * are issued either before, and get a warning, or after, and follow the assignment.
 */
async function readCurrentTax(
  tx: Transaction,
  now: Month,
  { treatments, assignments, registrations, exchangeRates }: PlacedTax,
): Promise<CurrentTax> {
  const tenantIds = [...new Set(assignments.map(({ tenant_id }) => tenant_id))];
  if (tenantIds.length > 0) await lockTenants(tx, tenantIds);
  const codes = [...treatments.map(({ code }) => code), ...assignments.map((one) => one.treatment)];
  const months = [...new Set(exchangeRates.map(({ month }) => month))];
  const tenants = await findTenants(tx, tenantIds);
  return {
    now,
    tenantIds: new Set(tenants.map(({ tenantId }) => tenantId)),
    treatments: await findTreatments(tx, codes),
    assignments: await findAssignments(tx, tenantIds),
    registrations: registrations.length > 0 ? await readRegistrations(tx) : [],
    exchangeRates: await findExchangeRates(tx, months),
  };
}

/** Writes the changes, treatments first: assignments refer to them. */
async function writeTax(tx: Transaction, changes: TaxChanges): Promise<void> {
  const { treatments, assignments, registrations, exchangeRates } = changes;
  await insertTreatments(tx, treatments.created);
  await insertAssignments(tx, [...assignments.created, ...assignments.corrected]);
  await insertRegistrations(tx, [...registrations.created, ...registrations.corrected]);
  await insertExchangeRates(tx, [...exchangeRates.created, ...exchangeRates.corrected]);
}
