import { z } from 'zod';
import { readCurrencies } from '../../db/invoices/item-ledger.ts';
import type { Queryable } from '../../db/pool.ts';
import {
  findBilling,
  findExclusion,
  type ExcludableEvent,
} from '../../db/usage/usage-exclusions.ts';
import type { UsageSource } from '../../db/usage/usage-ledger.ts';
import { formatMonth } from '../../display/dates.ts';
import { humanise } from '../../display/names.ts';
import { Decimal, toDecimalString } from '../../domain/decimal.ts';
import { formatUsage } from '../../domain/format.ts';
import { planExclusion } from '../../ingestion/exclude-event.ts';
import { markup } from '../../lib/markup.ts';
import { HttpProblem } from '../http/problems.ts';
import { postUsageExclusion } from '../routes/usage-exclusion-routes.ts';
import { isOwn, operatorAction } from './action-pages.ts';
import type { Form } from './page-definition.ts';
import { localPath } from './sign-in-pages.ts';
import type { Sentence } from './views/action-form.ts';
import { doneHref } from './views/done-note.ts';
import { minute } from './views/page-format.ts';
import { invoiceHref, tenantHref } from './views/places.ts';

interface ExclusionForm {
  readonly source: UsageSource;
  readonly eventId: string;
  /** The page that lists the event, to return to. */
  readonly from: string;
}

/** Excludes an event from billing. */
export const excludeOneEvent = operatorAction({
  path: '/operator/usage-exclusions/new',
  params: z.object({}),
  read: toExclusionForm,
  view: async ({ values, visitor }, { db }) => {
    const { source, eventId, from } = values;
    const planned = await planOne(db, values);
    const exclusion = await findExclusion(db, source, eventId);
    return {
      title: 'Exclude an event',
      trail: [{ href: from, text: 'Usage' }],
      cancelHref: from,
      intro: markup`<dl class="facts">
<div><dt>Event</dt><dd><span class="id">${eventId}</span></dd></div>
${planned.outcome === 'possible' ? await factsOf(db, source, planned.event) : ''}</dl>
`,
      refusal:
        planned.outcome === 'refused'
          ? `It can’t be excluded: ${planned.reason}.`
          : exclusion &&
            `It is excluded already: by ${exclusion.actor} on ${minute(exclusion.excluded_at, visitor.timeZone)}, “${exclusion.reason}”.`,
      hidden: { source, event_id: eventId, from },
      reasonHint: 'Stored with the event, and recorded with your key’s name.',
      confirmation: 'Exclude it. I know that this can’t be undone',
      button: 'Exclude',
    };
  },
  foresee: async ({ values, visitor }, { db }) => {
    const planned = await planOne(db, values);
    if (planned.outcome !== 'possible') return [];
    const { event } = planned;
    const amount = await amountOf(db, values.source, event);
    const billing = await findBilling(db, event);
    const sentences: readonly Sentence[] = [
      `${amount} of ${event.deploymentId} in ${formatMonth(event.serviceMonth)} is no longer billed. The event stays visible as excluded.`,
      billing === null
        ? 'No invoice bills it yet. The next one leaves it out.'
        : markup`<a href="${invoiceHref(visitor, billing.invoiceId)}">${billing.number}</a> bills it until ${formatMonth(billing.month)} is rerun for ${event.tenantId}, ${billing.isSettled ? 'which issues an adjustment note, because the invoice is settled' : 'which issues a revision'}.`,
      ...(values.source === 'metered' ? ['Records that it replaced stay out as well.'] : []),
      'If it turns out to be right, the event has to be sent again under a new id.',
    ];
    return sentences;
  },
  wasDone: async (call, { db }) =>
    isOwn(await findExclusion(db, call.values.source, call.values.eventId), call),
  run: async ({ values, reason, caller, requestId }, deps) => {
    const { source, eventId: event_id, from } = values;
    const body = { source, event_id, reason };
    await postUsageExclusion.handle({ params: {}, query: {}, body, caller, requestId }, deps);
    return doneHref(from, 'excluded');
  },
  fields: {},
});

function toExclusionForm(sent: Form): ExclusionForm {
  const from = localPath(sent.text('from')) ?? '';
  return {
    source: sent.text('source') === 'metered' ? 'metered' : 'llm',
    eventId: sent.text('event_id'),
    from: from.startsWith('/operator/') ? from : '/operator/months',
  };
}

/** @throws HttpProblem `not-found` */
async function planOne(db: Queryable, form: ExclusionForm) {
  const planned = await planExclusion(db, form);
  if (planned.outcome !== 'unknown') return planned;
  throw new HttpProblem('not-found', `no ${form.source} event with this id was accepted`);
}

async function factsOf(db: Queryable, source: UsageSource, event: ExcludableEvent) {
  const { tenantId, deploymentId, serviceMonth } = event;
  return markup`<div><dt>Tenant</dt><dd><a href="${tenantHref(tenantId)}">${tenantId}</a></dd></div>
<div><dt>Deployment</dt><dd><span class="id">${deploymentId}</span></dd></div>
<div><dt>Month</dt><dd>${formatMonth(serviceMonth)}</dd></div>
<div><dt>Usage</dt><dd>${await amountOf(db, source, event)}</dd></div>
`;
}

async function amountOf(
  db: Queryable,
  source: UsageSource,
  { tenantId, resourceKind, amount }: ExcludableEvent,
): Promise<string> {
  // Without the zeros of the column's scale.
  const exact = toDecimalString(new Decimal(amount));
  const currency = (await readCurrencies(db, [tenantId])).get(tenantId) ?? '';
  return source === 'llm'
    ? formatUsage(exact, currency)
    : `${formatUsage(exact, null)} ${humanise(resourceKind)}`;
}
