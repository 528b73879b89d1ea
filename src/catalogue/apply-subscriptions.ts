import { inApplyTurn } from '../db/settings/apply-turn.ts';
import type { Database, Transaction } from '../db/pool.ts';
import type { BillingCalendar } from '../domain/billing-calendar.ts';
import type { InputFile } from './input-file.ts';
import { type SubscriptionChanges, diffSubscriptions } from './subscription-changes.ts';
import {
  parseSubscriptionsFile,
  type SubscriptionsFile,
  type SentDeployment,
  type SentAddon,
  type SubscriptionBody,
} from './subscriptions-file.ts';
import { listBilledMonths } from '../db/month-end/billed-months.ts';
import { findBuyers, insertBuyers } from '../db/catalogue/buyer-details.ts';
import { findAddons, findPlanVersions } from '../db/catalogue/catalogue.ts';
import {
  attachAddons,
  updateAddons,
  findDeployments,
  findSubscriptionAddons,
  findSubscriptions,
  findTenants,
  insertDeployments,
  insertSubscriptions,
  updateSubscriptions,
  upsertTenants,
} from '../db/catalogue/stored-subscriptions.ts';
import { lockTenants } from '../db/transactions.ts';
import { warningsOfBilledMonths, type Move } from './billed-month-warnings.ts';
import { planVersionId } from './catalogue-changes.ts';
import { ApplyError, SUBSCRIPTION_PATH } from './apply-error.ts';
import type { ApplyOptions } from './apply-catalogue.ts';
import type { CurrentSubscriptions } from './placed-subscription.ts';
import { placeTenantsTax, prepareTax } from './apply-tax.ts';
import type { Added } from './tax-changes.ts';
import type { StoredAssignment } from '../db/tax/tax-data.ts';

/** The changes that were made, the tenants' tax treatments included. */
export interface AppliedSubscriptions extends SubscriptionChanges {
  readonly taxTreatments: Added<StoredAssignment>;
}

/**
 * Applies a file of tenants and their subscriptions, all or nothing. Applying it again changes nothing.
 * @throws ApplyError
 */
export async function applySubscriptionsFile(
  db: Database,
  input: InputFile,
): Promise<AppliedSubscriptions> {
  const file = parseSubscriptionsFile(input);
  return inApplyTurn(db, (tx, calendar) =>
    applySubscriptions(tx, calendar, file, { name: input.name }),
  );
}

/**
 * Applies tenants and their subscriptions, all or nothing; applying them again changes nothing. Warns about
 * months whose invoices no longer match. Call it inside `inApplyTurn`.
 * @throws ApplyError
 */
export async function applySubscriptions(
  tx: Transaction,
  calendar: BillingCalendar,
  file: SubscriptionsFile,
  { name = 'the request', dryRun = false }: ApplyOptions = {},
): Promise<AppliedSubscriptions> {
  const tenantsTax = await prepareTenantsTax(tx, calendar, file);
  const changes = diffSubscriptions(file, await readCurrent(tx, file), calendar);
  const problems = [...changes.problems, ...(tenantsTax?.changes.problems ?? [])];
  if (problems.length > 0) throw new ApplyError(name, problems);
  if (!dryRun) {
    await lockChanged(tx, changes);
    await write(tx, changes);
    await tenantsTax?.write();
  }
  const taxTreatments = tenantsTax?.changes.assignments ?? NOT_ADDED;
  const taxWarnings = (await tenantsTax?.findWarnings()) ?? [];
  const { moves } = changes;
  if (moves.length === 0) {
    return { ...changes, taxTreatments, warnings: [...changes.warnings, ...taxWarnings] };
  }
  const months = await listBilledMonths(tx, tenantsOf(moves));
  const warnings = [
    ...changes.warnings,
    ...warningsOfBilledMonths(moves, months, calendar),
    ...taxWarnings,
  ];
  return { ...changes, taxTreatments, warnings };
}

const NOT_ADDED: Added<StoredAssignment> = { created: [], corrected: [], unchanged: 0 };

/** Compares the tax treatments of a file's tenants with what is stored; null if it has none. */
async function prepareTenantsTax(
  tx: Transaction,
  calendar: BillingCalendar,
  file: SubscriptionsFile,
) {
  const sent = placeTenantsTax(file);
  if (sent.assignments.length === 0) return null;
  const tenantIds = file.tenants.map(({ tenant_id }) => tenant_id);
  // All of them, in one order, because writing the file locks others than those with a tax treatment.
  await lockTenants(tx, tenantIds);
  return prepareTax(tx, calendar, sent, tenantIds);
}

async function readCurrent(
  tx: Transaction,
  file: SubscriptionsFile,
): Promise<CurrentSubscriptions> {
  const deployments = file.tenants.flatMap((tenant) => tenant.deployments);
  const subscriptions = deployments.flatMap((deployment) => deployment.subscriptions);
  const deploymentIds = deployments.map(({ deployment_id }) => deployment_id);
  const subscriptionIds = subscriptions.map(({ subscription_id }) => subscription_id);
  const versionIds = subscriptions.flatMap(({ plan }) =>
    plan ? [planVersionId(plan.code, plan.version)] : [],
  );
  const addonCodes = subscriptions.flatMap(({ addons }) => addons.map(({ code }) => code));

  const tenantIds = file.tenants.map(({ tenant_id }) => tenant_id);
  const tenants = await findTenants(tx, tenantIds);
  const buyers = await findBuyers(tx, tenantIds);
  const storedDeployments = await findDeployments(tx, deploymentIds);
  const storedSubscriptions = await findSubscriptions(tx, deploymentIds, subscriptionIds);
  const addons = await findSubscriptionAddons(tx, subscriptionIds);
  const versions = await findPlanVersions(tx, versionIds);
  return {
    tenants: new Map(tenants.map((tenant) => [tenant.tenantId, tenant])),
    buyers: new Map(buyers.map((buyer) => [buyer.tenantId, buyer])),
    deployments: new Map(storedDeployments.map((one) => [one.deploymentId, one])),
    subscriptions: new Map(storedSubscriptions.map((one) => [one.subscriptionId, one])),
    addons: Map.groupBy(addons, ({ subscriptionId }) => subscriptionId),
    planCurrencies: new Map(versions.map(({ id, currency }) => [id, currency])),
    addonCodes: new Set((await findAddons(tx, addonCodes)).keys()),
  };
}

/**
 * Locks the tenants that change. An invoice of theirs is issued either before this, and the warning names it, or
 * afterwards, and the warning is about its draft; drafts that are opened afterwards follow the change. Writing the
 * file also locks renamed tenants. They are locked here, so that all tenants are locked in one order.
 */
async function lockChanged(
  tx: Transaction,
  { moves, renamedTenants }: SubscriptionChanges,
): Promise<void> {
  const tenantIds = [...tenantsOf(moves), ...renamedTenants.map(({ tenantId }) => tenantId)];
  if (tenantIds.length > 0) await lockTenants(tx, tenantIds);
}

function tenantsOf(moves: readonly Move[]): readonly string[] {
  return [...new Set(moves.map(({ tenantId }) => tenantId))];
}

/** Writes the changes, ends before new starts: two subscriptions of a deployment must never overlap. */
async function write(tx: Transaction, changes: SubscriptionChanges): Promise<void> {
  await upsertTenants(tx, [...changes.newTenants, ...changes.renamedTenants]);
  await insertBuyers(tx, changes.newBuyers);
  await insertDeployments(tx, changes.newDeployments);
  await updateSubscriptions(tx, changes.changedSubscriptions);
  await insertSubscriptions(tx, changes.newSubscriptions);
  await updateAddons(tx, changes.changedAddons);
  await attachAddons(tx, changes.newAddons);
}

/**
 * Applies one deployment of an existing tenant. Call it inside `inApplyTurn`.
 * @throws ApplyError
 */
export async function applyDeployment(
  tx: Transaction,
  calendar: BillingCalendar,
  tenantId: string,
  deployment: SentDeployment,
): Promise<AppliedSubscriptions> {
  const [tenant] = await findTenants(tx, [tenantId]);
  if (!tenant) {
    const path = ['tenants', 0, 'deployments', 0, 'tenant_id'];
    const message = `there is no tenant ${tenantId}`;
    throw new ApplyError('the deployment', [{ path, kind: 'invalid', message }]);
  }
  const { name, currency } = tenant;
  return applySubscriptions(tx, calendar, {
    tenants: [{ tenant_id: tenantId, name, currency, deployments: [deployment] }],
  });
}

/**
 * Applies one subscription of an existing deployment. Call it inside `inApplyTurn`.
 * @throws ApplyError
 */
export async function applySubscription(
  tx: Transaction,
  calendar: BillingCalendar,
  subscriptionId: string,
  { deployment_id, plan, starts_at, ends_at, addons }: SubscriptionBody,
): Promise<AppliedSubscriptions> {
  const [deployment] = await findDeployments(tx, [deployment_id]);
  if (!deployment) {
    const path = [...SUBSCRIPTION_PATH, 'deployment_id'];
    const message = `there is no deployment ${deployment_id}`;
    throw new ApplyError('the subscription', [{ path, kind: 'invalid', message }]);
  }
  const sent = {
    subscription_id: subscriptionId,
    plan,
    starts_at,
    ends_at,
    addons: addons ?? (await attachedAddons(tx, subscriptionId)),
  };
  return applyDeployment(tx, calendar, deployment.tenantId, {
    deployment_id,
    subscriptions: [sent],
  });
}

async function attachedAddons(tx: Transaction, subscriptionId: string): Promise<SentAddon[]> {
  const addons = await findSubscriptionAddons(tx, [subscriptionId]);
  return addons.map(({ code, startsAt, endsAt }) => ({
    code,
    starts_at: startsAt,
    ends_at: endsAt,
  }));
}
