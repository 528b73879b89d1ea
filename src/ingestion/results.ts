/** The result for one event. */
export type UsageResult =
  | { readonly status: 'accepted' }
  /** The same event was accepted before. */
  | { readonly status: 'duplicate' }
  /** Another event with this id was accepted before; that one stays. */
  | { readonly status: 'conflict'; readonly reason: string }
  /**
   * Not stored, because the record that it corrects isn't there yet. It may be accepted if sent again later.
   */
  | { readonly status: 'retry_later'; readonly reason: string }
  /** Not stored, and sending it again doesn't change that. */
  | {
      readonly status: 'rejected';
      readonly reason: string;
      readonly errors?: readonly FieldError[];
    };

export const USAGE_STATUSES = [
  'accepted',
  'duplicate',
  'conflict',
  'retry_later',
  'rejected',
] as const satisfies readonly UsageResult['status'][];

/** An error in one field of an event. */
export interface FieldError {
  /** JSON pointer into the event, `/charge_cents`; empty for the event itself. */
  readonly pointer: string;
  readonly detail: string;
}

export const ACCEPTED: UsageResult = { status: 'accepted' };
export const DUPLICATE: UsageResult = { status: 'duplicate' };

export function rejected(reason: string): UsageResult {
  return { status: 'rejected', reason };
}

export function retryLater(reason: string): UsageResult {
  return { status: 'retry_later', reason };
}

/** Returns a rejection because of one field. */
export function rejectedField(error: FieldError): UsageResult {
  return { status: 'rejected', reason: error.detail, errors: [error] };
}

/** Returns the result for an event whose id is stored with the given hash. */
export function compareWithStored(
  idField: string,
  event: { readonly id: string; readonly contentHash: string },
  storedHash: string,
): UsageResult {
  if (event.contentHash === storedHash) return DUPLICATE;
  return {
    status: 'conflict',
    reason:
      `${idField} ${JSON.stringify(event.id)} was accepted before with another content, ` +
      'which stays; a new event needs a new id',
  };
}

/** Fills the gaps with the missing results, in order. */
export function fillGaps(
  results: readonly (UsageResult | null)[],
  missing: readonly UsageResult[],
): readonly UsageResult[] {
  let filled = 0;
  return results.map((result) => {
    const known = result ?? missing[filled++];
    if (!known) throw new Error('there are fewer results than events');
    return known;
  });
}
