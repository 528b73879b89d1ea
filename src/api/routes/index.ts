import type { Route } from '../http/route-definition.ts';
import { getAddon, getAddons, putAddon } from './addons.ts';
import { putCatalogue } from './catalogue.ts';
import { getDeployment, getDeployments, putDeployment } from './deployments.ts';
import { getInvoiceDifference } from './invoice-difference.ts';
import { getInvoiceCsv, getInvoiceHtml, getInvoicePdf } from './invoice-documents.ts';
import { payInvoice, voidInvoice } from './invoice-status.ts';
import { getInvoice, getInvoices } from './invoices.ts';
import { getLateUsage } from './late-usage.ts';
import { getLineUsage, getLineUsageCsv } from './line-usage.ts';
import { postLlmUsage } from './llm-usage.ts';
import { postMeteredUsage } from './metered-usage.ts';
import { getOperatorActions } from './operator-actions.ts';
import { getPlanVersion, getPlans, putPlanVersion } from './plans.ts';
import { postQuote } from './quote.ts';
import { getRollUp, postRollUp } from './roll-ups.ts';
import { attachAddon, detachAddon } from './subscription-addons.ts';
import { activateSubscription, cancelSubscription } from './subscription-life.ts';
import { putSubscriptions } from './subscriptions-feed.ts';
import { getSubscription, getSubscriptions, putSubscription } from './subscriptions.ts';
import { getHealth, getMetrics, getReadiness } from './system.ts';
import { getTenant, getTenants, putTenant } from './tenants.ts';
import { getWebhookAttempts, postWebhookReplay } from './webhook-deliveries.ts';
import {
  deleteWebhookEndpoint,
  getWebhookEndpoint,
  getWebhookEndpoints,
  postWebhookEndpoint,
  rotateWebhookEndpointSecret,
} from './webhook-endpoints.ts';
import { getUsageExclusions, postUsageExclusion } from './usage-exclusions.ts';

/** Every route, in the order of the documentation; the documentation itself is added to them. */
export const ROUTES: readonly Route[] = [
  postLlmUsage,
  postMeteredUsage,
  postUsageExclusion,
  getUsageExclusions,
  postQuote,
  getInvoices,
  // Before the next, which would take the end for a part of the id.
  getInvoiceHtml,
  getInvoicePdf,
  getInvoiceCsv,
  getInvoice,
  getInvoiceDifference,
  getLineUsage,
  getLineUsageCsv,
  payInvoice,
  voidInvoice,
  postRollUp,
  getRollUp,
  getLateUsage,
  putCatalogue,
  putPlanVersion,
  getPlanVersion,
  getPlans,
  putAddon,
  getAddon,
  getAddons,
  putTenant,
  getTenant,
  getTenants,
  putDeployment,
  getDeployment,
  getDeployments,
  putSubscriptions,
  putSubscription,
  getSubscription,
  getSubscriptions,
  activateSubscription,
  cancelSubscription,
  attachAddon,
  detachAddon,
  postWebhookEndpoint,
  getWebhookEndpoints,
  getWebhookEndpoint,
  deleteWebhookEndpoint,
  rotateWebhookEndpointSecret,
  getWebhookAttempts,
  postWebhookReplay,
  getOperatorActions,
  getHealth,
  getReadiness,
  getMetrics,
];
