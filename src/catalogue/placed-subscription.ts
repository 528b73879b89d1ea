import type { StoredBuyer } from '../db/catalogue/buyer-details.ts';
import type {
  StoredAddon,
  StoredDeployment,
  StoredSubscription,
  StoredTenant,
} from '../db/catalogue/stored-subscriptions.ts';
import type { SentSubscription, SentTenant } from './subscriptions-file.ts';

/** The stored rows of everything that the input names. */
export interface CurrentSubscriptions {
  readonly tenants: ReadonlyMap<string, StoredTenant>;
  /** The current details, by tenant. */
  readonly buyers: ReadonlyMap<string, StoredBuyer>;
  readonly deployments: ReadonlyMap<string, StoredDeployment>;
  /** Includes other subscriptions of the same deployments. */
  readonly subscriptions: ReadonlyMap<string, StoredSubscription>;
  /** By subscription, in the order of their positions. */
  readonly addons: ReadonlyMap<string, readonly StoredAddon[]>;
  /** Currencies of plan versions, by id. */
  readonly planCurrencies: ReadonlyMap<string, string>;
  readonly addonCodes: ReadonlySet<string>;
}

export interface NewSubscription extends StoredSubscription {
  readonly tenantId: string;
}

/** A subscription of the input, with its tenant and its path. */
export interface PlacedSubscription {
  /** Its path in the input. */
  readonly path: readonly PropertyKey[];
  readonly tenant: SentTenant;
  readonly sent: SentSubscription;
  readonly wanted: NewSubscription;
}
