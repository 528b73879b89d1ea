import type { TenantPreview } from '../../../audit/preview.ts';
import type { Standing } from '../../../db/invoices/month-invoices.ts';
import { formatMonth } from '../../../display/dates.ts';
import { signedAmount } from '../../../display/line-text.ts';
import { formatMoney, groupDigits } from '../../../domain/format.ts';

/** What a rerun would do to each of its tenants, in sentences. */

export interface ReRunOptions {
  readonly onlyIfChanged: boolean;
  /** Issue invoices that exceed the safety bounds. */
  readonly acceptBounds: boolean;
}

export interface PlannedReRun extends ReRunOptions {
  readonly month: string;
  readonly tenants: readonly Standing[];
  /** What each tenant's rerun would issue now; null: there are too many tenants to compute it. */
  readonly previews: ReadonlyMap<string, TenantPreview> | null;
}

/** Returns what a rerun would do: refusals first, then tenant by tenant, or their numbers if there are many. */
export function reRunEffects(rerun: PlannedReRun): readonly string[] {
  const { month, tenants, previews } = rerun;
  const [due, refused] = [
    tenants.filter(({ is_due }) => is_due),
    tenants.filter(({ is_due }) => !is_due),
  ];
  return [
    ...(refused.length === 0 ? [] : [refusals(refused, tenants.length, month)]),
    ...(previews === null
      ? counts(due, rerun)
      : due.map((tenant) => effectOn(tenant, previews.get(tenant.tenant_id), rerun))),
    'Every run also checks all other due tenants of the month: those without an invoice get one.',
  ];
}

function refusals(refused: readonly Standing[], all: number, month: string): string {
  const names = refused.map(({ tenant_id }) => tenant_id).join(', ');
  const why = `will be refused, because nothing is due for ${formatMonth(month)}`;
  return `${groupDigits(refused.length)} of ${groupDigits(all)} ${why}: ${names}.`;
}

function effectOn(
  { tenant_id: tenantId, number, status }: Standing,
  planned: TenantPreview | undefined,
  { onlyIfChanged, acceptBounds }: ReRunOptions,
): string {
  if (planned === undefined) return `${tenantId}: nothing to bill.`;
  const { preview, standing, currency } = planned;
  const show = (cents: number) => formatMoney(cents, currency);
  if (preview.parked !== null) {
    return `${tenantId} stays without a new document, parked as ${preview.parked.type}: ${preview.parked.reason}.`;
  }
  const accepted = acceptBounds ? ', whatever the safety bounds say' : '';
  if (standing === null) {
    return preview.nothingToBill
      ? `${tenantId} has nothing to bill, so no invoice is issued.`
      : `${tenantId} gets an invoice of ${show(preview.totalCents)}${accepted}.`;
  }
  if (standing.isSettled) {
    const isSame = standing.note === null || standing.note.lines.length === 0;
    return isSame
      ? `${number} of ${tenantId} is settled and nothing differs, so it stays.`
      : `${number} of ${tenantId} is settled, so it stays: an adjustment note of ` +
          `${currency} ${signedAmount(standing.note.totalCents, currency)} is issued${accepted}.`;
  }
  if (status === 'void') {
    return `The void ${number} of ${tenantId} is replaced by a revision of ${show(preview.totalCents)}${accepted}.`;
  }
  const isSame = standing.changes.length === 0 && standing.totalCents === preview.totalCents;
  if (isSame && onlyIfChanged)
    return `${number} of ${tenantId} stays, because nothing would change.`;
  const difference = preview.totalCents - standing.totalCents;
  const total = isSame
    ? `the same lines and total, ${show(preview.totalCents)}`
    : `${show(preview.totalCents)} instead of ${show(standing.totalCents)} (${signedAmount(difference, currency)})`;
  return `${number} of ${tenantId} is replaced by a revision: ${total}${accepted}.`;
}

function counts(due: readonly Standing[], { acceptBounds }: ReRunOptions): readonly string[] {
  const all = groupDigits(due.length);
  const sentence = (matches: (tenant: Standing) => boolean, one: string, many: string) => {
    const { length } = due.filter(matches);
    return length === 0 ? [] : [`${groupDigits(length)} of ${all} ${length === 1 ? one : many}`];
  };
  const NOTE = 'an adjustment note is issued for the difference, if there is one.';
  return [
    ...sentence(
      ({ status, is_settled }) => status === 'issued' && is_settled === false,
      'gets a revision, which replaces the live invoice.',
      'get revisions, which replace the live invoices.',
    ),
    ...sentence(
      ({ status, is_settled }) => status === 'issued' && is_settled === true,
      `is settled by a payment or an adjustment note: the invoice stays, and ${NOTE}`,
      `are settled by payments or adjustment notes: the invoices stay, and ${NOTE}`,
    ),
    ...sentence(
      ({ status }) => status === 'void',
      'is void: a revision replaces the void invoice.',
      'are void: revisions replace the void invoices.',
    ),
    ...sentence(
      ({ invoice_id }) => invoice_id === null,
      'has no invoice yet: one is issued if there is something to bill.',
      'have no invoice yet: one is issued if there is something to bill.',
    ),
    ...(acceptBounds ? ['Totals beyond the safety bounds are issued all the same.'] : []),
  ];
}
