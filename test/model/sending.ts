import { periodOf } from '../_util/utc.ts';
import { modelOf, monthText, type Model } from './model.ts';
import type { Sent } from './usage-rules.ts';

/** How an event is written down; `isRespelled` says the same in other words. */
export function toPayload(model: Model, sent: Sent, { isRespelled = false } = {}): object {
  const { source, id, tenant, deployment, kind, amount, replaces } = sent;
  const common = {
    tenant_id: tenant,
    deployment_id: deployment.id,
    occurred_at: instant(monthText(model, sent.month), sent.when, isRespelled),
  };
  const number = isRespelled ? respelled(amount) : amount;
  if (source === 'llm') {
    const currency = isRespelled ? { currency: 'AUD' } : {};
    return {
      gateway_request_id: id,
      ...common,
      model: modelOf(id),
      charge_cents: number,
      ...currency,
    };
  }
  const record = { record_id: id, ...common, resource_kind: kind, qty: number };
  return replaces === null ? record : { ...record, replaces };
}

/** Number of instants of a month to choose from: its first, one in the middle, its last. */
export const INSTANTS = 3;

function instant(month: string, when: number, isRespelled: boolean): string {
  const { periodEnd } = periodOf(month);
  const texts: readonly (readonly [text: string, respelled: string])[] = [
    [`${month}-15T12:00:00.5Z`, `${month}-15T22:00:00.500+10:00`],
    [`${month}-01T00:00:00Z`, `${month}-01t09:30:00+09:30`],
    [`${periodEnd}T23:59:59.999999999Z`, `${periodEnd}T13:59:59.9999990-10:00`],
  ];
  return texts[when]?.[isRespelled ? 1 : 0] ?? '';
}

function respelled(amount: string): string {
  const fraction = amount.split('.')[1] ?? '';
  if (fraction.length === 12) return amount;
  return amount.includes('.') ? `${amount}0` : `${amount}.0`;
}
