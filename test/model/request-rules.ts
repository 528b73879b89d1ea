import type { ForceTerms, Model, Request, RequestRow } from './model.ts';
import { isDue, standing } from './standing-rules.ts';

/** What a forced request asks for, and for which tenants it is refused. docs/spec.md#revisions. */

export type Acceptance =
  | { readonly accepted: false }
  | {
      readonly accepted: true;
      readonly waiting: boolean;
      readonly urgentTenantIds: readonly string[];
      readonly refusals: number;
    };

/** Takes a forced request; the same one again tries once more what was parked. */
export function acceptForce(model: Model, terms: ForceTerms): Acceptance {
  const { id, month, tenants } = terms;
  const known = model.requests.find((request) => request.id === id && request.month === month);
  if (known && JSON.stringify(known.terms) !== JSON.stringify(terms)) return { accepted: false };
  if (known) {
    const again = known.rows.filter(({ outcome }) => outcome === 'parked');
    for (const row of again) Object.assign(row, { outcome: null, draft: null });
    if (again.length > 0) known.isFinished = false;
    return acceptance(known, !known.isFinished);
  }
  const named = tenants ?? model.fleet.tenants.filter((tenant) => isDue(model, tenant, month));
  const rows: RequestRow[] = [];
  const request: Request = { id, month, terms, rows, isFinished: false };
  for (const tenant of named) {
    // Only a request that names the tenant replaces a void invoice.
    const isVoid = tenants === null && standing(model, tenant, month)?.status === 'void';
    const isRefused = isVoid || !isDue(model, tenant, month);
    rows.push({ request, tenant, outcome: isRefused ? 'refused' : null, draft: null });
  }
  model.requests.push(request);
  return acceptance(request, true);
}

function acceptance({ rows }: Request, waiting: boolean): Acceptance {
  return {
    accepted: true,
    waiting,
    urgentTenantIds: rows.filter(({ outcome }) => outcome === null).map(({ tenant }) => tenant),
    refusals: rows.filter(({ outcome }) => outcome === 'refused').length,
  };
}
