import type { ZodType } from 'zod';
import type { BucketKey, Deployment, UsageSource } from '../db/usage/usage-ledger.ts';
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
  /** Why it can't be taken, unless its id is stored already; null: it can. */
  readonly barred: FieldError | null;
}

/** What an event's hash covers: every field of the schema must be present. */
export type Content<Event> = Readonly<Record<keyof Event, string | number | undefined>>;

/** What tells one kind of usage from the other. */
export interface UsageKind<Event extends SentEvent, E extends Entry> {
  readonly source: UsageSource;
  /** The field with the event's permanent id. */
  readonly idField: string;
  readonly schema: ZodType<Event>;
  /**
   * @param deployment the one that the event names
   * @param barred see {@link Entry}
   */
  toEntry(event: Event, deployment: Deployment, barred: FieldError | null): E;
}
