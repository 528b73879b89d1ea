import type { ZodType } from 'zod';
import type { BucketKey, Deployment, UsageSource } from '../db/usage/usage-ledger.ts';
import type { JsonValue } from '../domain/types.ts';
import type { UtcInstant } from './instant.ts';
import type { FieldError } from './results.ts';

/** The fields of every usage event, whatever its kind. */
export interface SentEvent {
  readonly tenant_id: string;
  readonly deployment_id: string;
  readonly occurred_at: UtcInstant;
  readonly currency?: string | undefined;
}

/** A valid event of a known deployment on its way into the ledger. */
export interface Entry extends BucketKey {
  readonly id: string;
  /** SHA-256 in hex: see `contentHash`. */
  readonly contentHash: string;
  /** Empty if it is barred because its month isn't in the calendar. */
  readonly serviceMonth: string;
  /** Why the event is rejected unless its id is already stored; null: it is accepted. */
  readonly barred: FieldError | null;
}

/** The content that an event's hash covers; every field of the schema must be present. */
export type Content<Event> = Readonly<Record<keyof Event, JsonValue | undefined>>;

/** The properties in which the kinds of usage differ. */
export interface UsageKind<Event extends SentEvent, E extends Entry> {
  readonly source: UsageSource;
  /** The field with the event's permanent id. */
  readonly idField: string;
  readonly schema: ZodType<Event>;
  /**
   * Converts a valid event to an entry.
   * @param deployment the deployment that the event names
   */
  toEntry(event: Event, deployment: Deployment, place: Pick<Entry, 'serviceMonth' | 'barred'>): E;
}
