import { sql } from './sql.ts';
import type { Period } from '../domain/period.ts';

/**
 * Whether a row (a subscription or an addon, by its alias) is in force at the
 * period's last instant. That instant alone decides, never a status or the clock:
 * a late run bills what a punctual one would have billed. docs/spec.md#month-end.
 */
export function inForceAtEndOf(period: Period, alias: 's' | 'a') {
  const startsAt = sql.identifier([alias, 'starts_at']);
  const endsAt = sql.identifier([alias, 'ends_at']);
  return sql.fragment`
    ${startsAt} < ${period.endsAt} AND (${endsAt} IS NULL OR ${endsAt} >= ${period.endsAt})
  `;
}

/** The tenants that are due: those with a subscription in force. */
export function dueTenants(period: Period) {
  return sql.fragment`
    SELECT t.tenant_id AS tenant_id FROM tenants t
    WHERE EXISTS (
      SELECT FROM subscriptions s
      WHERE s.tenant_id = t.tenant_id AND ${inForceAtEndOf(period, 's')}
    )
  `;
}
