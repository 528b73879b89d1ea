import type { StoredBuyer } from '../db/catalogue/buyer-details.ts';
import type {
  StoredAddon,
  StoredDeployment,
  StoredSubscription,
  StoredTenant,
} from '../db/catalogue/subscription-feed.ts';
import type { FedSubscription, FedTenant } from './subscriptions-file.ts';

/** What the database has of the things that a feed names. */
export interface CurrentSubscriptions {
  readonly tenants: ReadonlyMap<string, StoredTenant>;
  /** By tenant, the details in force. */
  readonly buyers: ReadonlyMap<string, StoredBuyer>;
  readonly deployments: ReadonlyMap<string, StoredDeployment>;
  /** Also others of the same deployments. */
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

/** A subscription of the feed, with whose it is and where it stands. */
export interface PlacedSubscription {
  /** Its place in the feed. */
  readonly path: readonly PropertyKey[];
  readonly tenant: FedTenant;
  readonly fed: FedSubscription;
  readonly wanted: NewSubscription;
}
