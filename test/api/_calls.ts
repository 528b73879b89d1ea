import { ADDON, JULY, MAY, PLAN } from './_catalogue.ts';
import { llmEvent, meteredRecord } from './_harness.ts';

const CONTROL_TOTAL = { tenant_id: 'acme', requests: 3, charge_cents: '0.5', currency: 'AUD' };

/** A well-formed call of a route. */
export interface ExampleCall {
  /** For the path's parameters, and the query if one is needed. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
  /** What an operator's call needs in addition. */
  readonly operatorQuery?: string;
  readonly body?: () => Readonly<Record<string, unknown>>;
}

/** The subjects of the calls. */
export interface Subjects {
  /** An invoice whose second line is LLM usage. */
  readonly invoiceId: string;
  /** An adjustment note whose first line is LLM usage. */
  readonly noteId: string;
}

/**
 * One call for every route, by operation id, with which attacks are then tried: a route that is
 * added without one fails the test that compares the two.
 */
export function exampleCalls({
  invoiceId,
  noteId,
}: Subjects): Readonly<Record<string, ExampleCall>> {
  const ofInvoice = { params: { invoice_id: invoiceId } };
  const ofLine = { params: { invoice_id: invoiceId, line_no: '2' } };
  const ofNote = { params: { adjustment_note_id: noteId } };
  const ofNoteLine = { params: { adjustment_note_id: noteId, line_no: '1' } };
  const ofDay = { params: { deployment_id: 'acme-a', day: '2026-05-20' } };
  const ofMonth = { params: { month: '2026-05' } };
  const ofEndpoint = { params: { endpoint_id: crypto.randomUUID() } };
  const ofPlan = { params: { plan_code: 'basic', version: '1' } };
  const ofAddon = { params: { addon_code: 'more' } };
  const ofTenant = { params: { tenant_id: 'acme' } };
  const ofDeployment = { params: { deployment_id: 'acme-a' } };
  const ofSubscription = { params: { subscription_id: 'sub-acme-a' } };
  const ofThreshold = { params: { threshold_id: 'warning' }, operatorQuery: 'tenant_id=acme' };
  return {
    postLlmUsage: { operatorQuery: 'backfill_reason=outage', body: () => llmEvent() },
    postMeteredUsage: { operatorQuery: 'backfill_reason=outage', body: () => meteredRecord() },
    postLitellmUsage: { operatorQuery: 'backfill_reason=outage', body: () => ({ id: 'a' }) },
    postUsageExclusion: { body: () => ({ source: 'llm', event_id: 'none', reason: 'wrong' }) },
    getUsageExclusions: { query: 'month=2026-05' },
    getCurrentUsage: { operatorQuery: 'tenant_id=acme' },
    getQuarantinedUsage: {},
    getQuarantinedEvent: { params: { quarantine_id: '999' } },
    releaseQuarantinedUsage: {
      body: () => ({
        ...{ tenant_id: 'newco', held_for: 'unknown_tenant', reason: 'was created late' },
        assign: { tenant_id: 'acme', deployment_id: 'acme-a', currency: 'AUD' },
      }),
    },
    dismissQuarantinedUsage: {
      body: () => ({ held_for: 'malformed', tenant_id: 'newco', reason: 'test requests' }),
    },
    putControlTotals: {
      body: () => ({
        control_totals: [
          ...[{ deployment_id: 'acme-a', day: '2026-05-20', ...CONTROL_TOTAL }],
          ...[{ deployment_id: 'acme-a', day: '2026-05-21', ...CONTROL_TOTAL }],
        ],
      }),
    },
    putControlTotal: { ...ofDay, body: () => CONTROL_TOTAL },
    getControlTotals: { query: 'month=2026-05' },
    getControlTotal: ofDay,
    getControlTotalComparison: ofMonth,
    postControlTotalAcceptance: {
      ...ofMonth,
      body: () => ({
        tenant_id: 'acme',
        deployment_id: 'acme-a',
        reason: 'the gateway counted retries',
      }),
    },
    getUsageCsv: { ...ofMonth, operatorQuery: 'tenant_id=acme' },
    putUsageThreshold: { ...ofThreshold, body: () => ({ amount_cents: 25_000 }) },
    getUsageThresholds: {},
    deleteUsageThreshold: ofThreshold,
    postQuote: { body: () => ({ plan_code: 'studio', projected_usage: { llm_tokens: '1' } }) },
    getInvoices: {},
    getInvoiceHtml: ofInvoice,
    getInvoicePdf: ofInvoice,
    getInvoiceCsv: ofInvoice,
    getInvoice: ofInvoice,
    getInvoiceComparison: ofInvoice,
    getInvoiceComposition: ofInvoice,
    getInvoiceDifference: ofInvoice,
    getLineUsage: ofLine,
    getLineUsageCsv: ofLine,
    getAdjustmentNotes: {},
    getAdjustmentNoteHtml: ofNote,
    getAdjustmentNotePdf: ofNote,
    getAdjustmentNoteCsv: ofNote,
    getAdjustmentNote: ofNote,
    getAdjustmentNoteLineUsage: ofNoteLine,
    getAdjustmentNoteLineUsageCsv: ofNoteLine,
    voidInvoice: { ...ofInvoice, body: () => ({ reason: 'never existed' }) },
    postInvoiceCredit: {
      ...ofInvoice,
      body: () => ({ request_id: 'credit-1', line_no: 1, amount_cents: 1, reason: 'goodwill' }),
    },
    postPayments: {
      body: () => ({
        payment_id: 'bank-1',
        invoice_number: 'zeta-000001',
        amount_cents: 100,
        received_on: '2026-06-12',
      }),
    },
    getPayments: {},
    getBalances: {},
    getAging: {},
    postInvoiceItems: {
      body: () => ({
        ...{ item_id: 'onboarding', tenant_id: 'acme', month: '2026-05', currency: 'AUD' },
        ...{ description: 'Onboarding', amount_cents: 25_000 },
      }),
    },
    getInvoiceItems: {},
    withdrawInvoiceItem: {
      params: { item_id: 'nothing' },
      body: () => ({ reason: 'was cancelled' }),
    },
    postRollUp: {
      body: () => ({ month: '2026-05', force: true, tenant_ids: ['acme'], reason: 'late meters' }),
    },
    postRelease: { body: () => ({ month: '2026-05', all: true, reason: 'reviewed' }) },
    getRollUp: ofMonth,
    getLateUsage: ofMonth,
    putCatalogue: {
      body: () => ({
        plans: [{ code: 'basic', versions: [{ version: 1, ...PLAN }] }],
        addons: [{ code: 'more', ...ADDON }],
      }),
    },
    getPlans: {},
    getPlanVersion: ofPlan,
    putPlanVersion: { ...ofPlan, body: () => PLAN },
    getAddons: {},
    getUnits: {},
    getAddon: ofAddon,
    putAddon: { ...ofAddon, body: () => ADDON },
    getTenants: {},
    getTenant: ofTenant,
    putTenant: {
      ...ofTenant,
      body: () => ({
        name: 'Acme Pty Ltd',
        currency: 'AUD',
        buyer: { legal_name: 'Acme Pty Ltd' },
      }),
    },
    getDeployments: {},
    getDeployment: ofDeployment,
    putDeployment: { ...ofDeployment, body: () => ({ tenant_id: 'acme' }) },
    putSubscriptions: {
      body: () => ({
        tenants: [
          {
            tenant_id: 'acme',
            name: 'Acme Pty Ltd',
            currency: 'AUD',
            deployments: [
              {
                deployment_id: 'acme-a',
                subscriptions: [
                  {
                    subscription_id: 'sub-acme-a',
                    plan: { code: 'studio', version: 1 },
                    starts_at: '2025-01-01T00:00:00Z',
                    ends_at: null,
                    addons: [],
                  },
                ],
              },
            ],
          },
        ],
      }),
    },
    getSubscriptions: {},
    getSubscription: ofSubscription,
    putSubscription: {
      ...ofSubscription,
      body: () => ({
        deployment_id: 'acme-a',
        plan: { code: 'studio', version: 1 },
        starts_at: '2025-01-01T00:00:00Z',
      }),
    },
    activateSubscription: { ...ofSubscription, body: () => ({ starts_at: MAY }) },
    cancelSubscription: { ...ofSubscription, body: () => ({ ends_at: JULY }) },
    attachAddon: { ...ofSubscription, body: () => ({ code: 'more', starts_at: MAY }) },
    detachAddon: {
      params: { subscription_id: 'sub-acme-a', addon_code: 'more' },
      body: () => ({ ends_at: JULY }),
    },
    putTax: {
      body: () => ({
        treatments: [{ code: 'nz-export', label: 'GST', rate: '0', note: 'GST-free.' }],
        exchange_rates: [
          { from: 'USD', to: 'AUD', month: '2026-05', rate: '1.5321', source: 'RBA' },
        ],
      }),
    },
    getTaxTreatments: {},
    getTaxAssignments: {},
    getGstRegistrations: {},
    getExchangeRates: {},
    postWebhookEndpoint: {
      body: () => ({ url: 'https://billing.example.com/hooks', event_types: ['run.finished'] }),
    },
    getWebhookEndpoints: {},
    getWebhookEndpoint: ofEndpoint,
    deleteWebhookEndpoint: ofEndpoint,
    rotateWebhookEndpointSecret: { ...ofEndpoint, body: () => ({ overlap_seconds: 3600 }) },
    getWebhookAttempts: {},
    postWebhookReplay: { body: () => ({ event_id: crypto.randomUUID() }) },
    getOperatorActions: {},
    getSettings: {},
    getHealth: {},
    getReadiness: {},
    getMetrics: {},
    getOpenApi: {},
    getDocs: {},
  };
}

/** The path of a call, ready to be sent. */
export function pathOf(template: string, { params = {}, query }: ExampleCall): string {
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined) throw new Error(`${template}: the example has no ${name}`);
    return encodeURIComponent(value);
  });
  return query === undefined ? path : `${path}?${query}`;
}
