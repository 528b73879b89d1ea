import type { CatalogueChanges } from './catalogue-changes.ts';
import type { AppliedSubscriptions } from './apply-subscriptions.ts';
import type { Added } from './tax-changes.ts';
import type { SubscriptionsFile } from './subscriptions-file.ts';

/** The outcome for all things of one kind that an input names. */
export interface ChangeCounts {
  readonly new: number;
  readonly changed: number;
  readonly unchanged: number;
}

export interface CatalogueCounts {
  /** `changed` is always 0: a version is immutable. */
  readonly plan_versions: ChangeCounts;
  /** `changed` is always 0: a unit is immutable. */
  readonly units: ChangeCounts;
  readonly addons: ChangeCounts;
}

export function countCatalogueChanges(changes: CatalogueChanges): CatalogueCounts {
  const { newUnits, unchangedUnits, newVersions, unchangedVersions } = changes;
  const { newAddons, changedAddons, unchangedAddons } = changes;
  return {
    plan_versions: {
      new: newVersions.length,
      changed: 0,
      unchanged: unchangedVersions.length,
    },
    units: { new: newUnits.length, changed: 0, unchanged: unchangedUnits.length },
    addons: {
      new: newAddons.length,
      changed: changedAddons.length,
      unchanged: unchangedAddons.length,
    },
  };
}

export interface SubscriptionCounts {
  readonly tenants: ChangeCounts;
  /** `changed` is always 0: a deployment can't move to another tenant. */
  readonly deployments: ChangeCounts;
  readonly subscriptions: ChangeCounts;
  readonly subscription_addons: ChangeCounts;
  readonly tax_treatments: ChangeCounts;
}

export function countSubscriptionChanges(
  { tenants }: SubscriptionsFile,
  changes: AppliedSubscriptions,
): SubscriptionCounts {
  const deployments = tenants.flatMap((tenant) => tenant.deployments);
  const subscriptions = deployments.flatMap((deployment) => deployment.subscriptions);
  const addons = subscriptions.flatMap((subscription) => subscription.addons);
  return {
    tenants: count(tenants, changes.newTenants, changes.changedTenantIds),
    deployments: count(deployments, changes.newDeployments, []),
    subscriptions: count(subscriptions, changes.newSubscriptions, changes.changedSubscriptions),
    subscription_addons: count(addons, changes.newAddons, changes.changedAddons),
    tax_treatments: countAdded(changes.taxTreatments),
  };
}

function count(
  all: readonly unknown[],
  created: readonly unknown[],
  changed: readonly unknown[],
): ChangeCounts {
  return {
    new: created.length,
    changed: changed.length,
    unchanged: all.length - created.length - changed.length,
  };
}

/** Counts tax data; `changed` are corrections of what was recorded for the same month. */
export function countAdded({ created, corrected, unchanged }: Added<unknown>): ChangeCounts {
  return { new: created.length, changed: corrected.length, unchanged };
}
