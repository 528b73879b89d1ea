import type { Deployment } from '../db/usage/usage-ledger.ts';
import { rejectedField, type FieldError, type UsageResult } from './results.ts';
import type { SentEvent } from './usage-kind.ts';
import type { ZodType } from 'zod';
import { explainIssue } from '../lib/explain-issue.ts';
import { reasonOf, toFieldErrors } from './field-errors.ts';

export type ParsedEvent<Event> =
  | { readonly ok: true; readonly event: Event }
  | { readonly ok: false; readonly result: UsageResult };

/** Validates one event on its own, so that an invalid event doesn't fail its batch. */
export function parseEvent<Event>(schema: ZodType<Event>, event: unknown): ParsedEvent<Event> {
  const parsed = schema.safeParse(event, { error: explainIssue });
  if (parsed.success) return { ok: true, event: parsed.data };
  const errors = toFieldErrors(parsed.error.issues);
  return { ok: false, result: { status: 'rejected', reason: reasonOf(errors), errors } };
}

/**
 * Returns why a well-formed event is rejected; null if it is accepted.
 * @param deployment the deployment that the event names, if it exists
 */
export function checkEvent(
  event: SentEvent,
  deployment: Deployment | undefined,
): UsageResult | null {
  const error = findOwnerError(event, deployment);
  return error && rejectedField(error);
}

/** Returns why usage can't belong to the deployment that it names; null if it can. */
export function findOwnerError(
  event: Pick<SentEvent, 'tenant_id' | 'deployment_id' | 'currency'>,
  deployment: Deployment | undefined,
): FieldError | null {
  // Another tenant's deployment gets the same error as one that doesn't exist.
  if (deployment?.tenantId !== event.tenant_id) {
    return {
      pointer: '/deployment_id',
      detail: `tenant ${event.tenant_id} has no deployment ${event.deployment_id}`,
    };
  }
  if (event.currency !== undefined && event.currency !== deployment.currency) {
    return {
      pointer: '/currency',
      detail: `tenant ${event.tenant_id} is billed in ${deployment.currency}, not in ${event.currency}`,
    };
  }
  return null;
}
