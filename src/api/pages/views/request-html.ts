import type { RequestView } from '../../../db/month-end/request-views.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge, outcome } from './badge.ts';
import { formatMonth } from '../../../display/dates.ts';
import { minute } from './page-format.ts';
import { layout, type Visitor } from './layout.ts';
import { monthHref, monthLink, tenantIdLink } from './places.ts';
import { requestState } from './month-html.ts';
import { table } from './html-table.ts';
import type { TemporalLinks } from '../../../temporal/temporal-links.ts';

export interface RequestPageView {
  readonly visitor: Visitor;
  readonly month: string;
  readonly requestId: string;
  /** Null until the workflow has stored it. */
  readonly request: RequestView | null;
  readonly temporal: TemporalLinks | null;
}

/** Renders a request with its results. */
export function requestPage(view: RequestPageView): string {
  const { visitor, month, requestId, request, temporal } = view;
  const isOpen = request?.state !== 'finished';
  return layout({
    title: `Request for ${formatMonth(month)}`,
    visitor,
    trail: [{ href: '/operator/months', text: 'Months' }, monthLink(month)],
    isLive: isOpen,
    main: markup`<div${isOpen ? markup` data-live="/operator/months/${month}/requests/${encodeURIComponent(requestId)}/live"` : ''}>${requestLive(request, visitor.timeZone)}</div>
${isOpen ? markup`<p role="status" class="heard" data-spoken></p>` : ''}
<ul class="links"><li><a href="${monthHref(month)}">${formatMonth(month)}</a></li>${temporal === null ? '' : markup`<li><a href="${temporal.month(month)}">Workflow in the Temporal Web UI</a></li>`}</ul>
<p class="soft">Request id: <span class="id">${requestId}</span></p>
`,
  });
}

/** Renders the part that refreshes. */
export function requestLive(request: RequestView | null, timeZone: string): Markup {
  if (request === null) {
    return markup`<p class="note">${badge('busy', 'sent')} The month’s workflow has the request and will store it within seconds. You can leave this page.</p>
`;
  }
  const { state, kind, actor, reason, requested_at, finished_at, tenants } = request;
  return markup`${state === 'finished' ? markup`<span data-ended></span>` : ''}<p class="note" data-say="${STATUS_TEXTS[state]}">${STATUS_TEXTS[state]}</p>
<dl class="facts">
<div><dt>State</dt><dd>${requestState(request)}</dd></div>
<div><dt>Type</dt><dd>${kind === 'force' ? 'Forced rerun' : 'Run'}</dd></div>
<div><dt>Requested by</dt><dd>${actor ?? 'unknown'}</dd></div>
<div><dt>Requested</dt><dd>${minute(requested_at, timeZone)}</dd></div>
<div><dt>Done</dt><dd>${finished_at === null ? 'not yet' : minute(finished_at, timeZone)}</dd></div>
</dl>
${reason === null ? '' : markup`<p>Reason: ${reason}</p>\n`}${
    kind === 'run'
      ? ''
      : table({
          caption: 'The requested tenants, at most 100, with their outcomes',
          empty: 'This request is for all due tenants.',
          rows: tenants,
          columns: [
            {
              head: 'Tenant',
              isHead: true,
              cell: ({ tenant_id }) => tenantIdLink(tenant_id),
            },
            { head: 'Outcome', cell: (tenant) => outcome(tenant.outcome) },
            { head: 'Invoice', cell: invoiceLink },
            { head: 'Reason', cell: (tenant) => tenant.reason ?? '' },
          ],
        })
  }`;
}

const STATUS_TEXTS: Readonly<Record<RequestView['state'], string>> = {
  queued: 'The request is waiting. The workflow starts it after its current work.',
  running: 'The request is running. New revisions appear here as they are issued.',
  finished: 'The request is done. The results are below.',
};

function invoiceLink({ invoice_id, number }: RequestView['tenants'][number]): Markup | string {
  if (invoice_id === null) return '';
  return markup`<a href="/operator/invoices/${invoice_id}">${number ?? invoice_id}</a>`;
}
