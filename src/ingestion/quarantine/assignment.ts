import type { HeldFilter } from '../../db/usage/quarantine.ts';
import { isCurrency, minorUnitDecimals } from '../../domain/currency.ts';
import type { JsonValue } from '../../domain/types.ts';
import type { FieldError } from '../results.ts';

/** The fields that a release may replace, for events that were sent with wrong ones (docs/spec.md#quarantine). */
export interface Assignment {
  readonly tenant_id?: string | undefined;
  readonly deployment_id?: string | undefined;
  readonly currency?: string | undefined;
}

/** A release would replace fields of events that it doesn't name. */
export class UnfilteredAssignmentError extends Error {
  override readonly name = 'UnfilteredAssignmentError';

  constructor() {
    super(
      'a release that replaces the tenant, the deployment or the currency must say which events it is for: give ' +
        'their numbers, the reason that holds them, or their tenant as sent',
    );
  }
}

/**
 * Returns the fields that replace those of the events; null if there are none.
 * @throws UnfilteredAssignmentError if they would replace those of all held events, of any sender
 */
export function toAssigned(
  assign: Assignment | undefined,
  { quarantineIds, heldFor, tenantId }: HeldFilter,
): Readonly<Record<string, string>> | null {
  const given = Object.entries(assign ?? {}).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  if (given.length === 0) return null;
  const isFiltered = [quarantineIds, heldFor, tenantId].some((field) => field !== undefined);
  if (!isFiltered) throw new UnfilteredAssignmentError();
  return Object.fromEntries(given);
}

/**
 * Returns why a charge can't be taken as of the assigned currency; null if it can. A charge counts minor units and is not
 * converted: 120 yen would become 120 cents.
 * @param sent the event's own currency; undefined: it was sent without one, and so counts in that of its tenant
 */
export function whyOtherUnit(
  sent: JsonValue | undefined,
  assigned: string | undefined,
): FieldError | null {
  if (sent === undefined || assigned === undefined) return null;
  const [before, after] = [decimalsOf(sent), decimalsOf(assigned)];
  if (before !== null && before === after) return null;
  const own = typeof sent === 'string' ? sent : JSON.stringify(sent);
  return {
    pointer: '/currency',
    detail:
      `the charge was sent in ${own.slice(0, 100)} (${sayDecimals(before)}) and can't be taken as ${assigned} ` +
      `(${sayDecimals(after)}), because nothing is converted: send the request again as LLM usage with the right ` +
      'charge, and dismiss this event',
  };
}

function decimalsOf(currency: JsonValue): number | null {
  return typeof currency === 'string' && isCurrency(currency) ? minorUnitDecimals(currency) : null;
}

function sayDecimals(decimals: number | null): string {
  return decimals === null ? 'not a currency' : `${decimals} decimals`;
}
