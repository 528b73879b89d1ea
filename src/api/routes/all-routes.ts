import type { Route } from '../http/route-definition.ts';
import {
  getAddon,
  getAddons,
  getUnits,
  putAddon,
  putCatalogue,
  getPlanVersion,
  getPlans,
  putPlanVersion,
} from './catalogue-routes.ts';
import { getDeployment, getDeployments, putDeployment } from './deployment-routes.ts';
import { getInvoiceComparison } from './invoice-comparison-route.ts';
import {
  getInvoiceComposition,
  getInvoiceDifference,
  getInvoice,
  getInvoices,
} from './invoice-routes.ts';
import {
  getAdjustmentNoteCsv,
  getAdjustmentNoteHtml,
  getAdjustmentNotePdf,
  getInvoiceCsv,
  getInvoiceHtml,
  getInvoicePdf,
} from './invoice-document-routes.ts';
import { getInvoiceItems, postInvoiceItems, withdrawInvoiceItem } from './invoice-item-routes.ts';
import { getAdjustmentNote, getAdjustmentNotes } from './note-routes.ts';
import { postInvoiceCredit } from './credit-route.ts';
import { getLateUsage, getRollUp } from './roll-up-status-routes.ts';
import {
  getLineUsage,
  getLineUsageCsv,
  getNoteLineUsage,
  getNoteLineUsageCsv,
} from './line-usage-routes.ts';
import {
  getControlTotal,
  getControlTotals,
  putControlTotal,
  putControlTotals,
} from './control-total-routes.ts';
import {
  getControlTotalComparison,
  postControlTotalAcceptance,
} from './control-total-comparison-routes.ts';
import { postLitellmUsage } from './litellm-route.ts';
import { postLlmUsage, postMeteredUsage } from './usage-routes.ts';
import { getOperatorActions } from './operator-action-routes.ts';
import { getAging, getBalances } from './balance-routes.ts';
import { getPayments, postPayments } from './payment-routes.ts';
import {
  dismissQuarantinedUsage,
  getQuarantinedEvent,
  getQuarantinedUsage,
  releaseQuarantinedUsage,
} from './quarantine-routes.ts';
import { postQuote } from './quote-route.ts';
import { postRelease } from './release-routes.ts';
import { postRollUp } from './roll-up-routes.ts';
import {
  attachAddon,
  detachAddon,
  activateSubscription,
  cancelSubscription,
} from './subscription-change-routes.ts';
import {
  putSubscriptions,
  getSubscription,
  getSubscriptions,
  putSubscription,
} from './subscription-routes.ts';
import { getSettings } from './settings-route.ts';
import { getHealth, getMetrics, getReadiness } from './system-routes.ts';
import { getTenant, getTenants, putTenant } from './tenant-routes.ts';
import {
  getExchangeRates,
  getGstRegistrations,
  getTaxAssignments,
  getTaxTreatments,
  putTax,
} from './tax-routes.ts';
import { getWebhookAttempts, postWebhookReplay } from './webhook-delivery-routes.ts';
import {
  deleteWebhookEndpoint,
  getWebhookEndpoint,
  getWebhookEndpoints,
  postWebhookEndpoint,
  rotateWebhookEndpointSecret,
} from './webhook-endpoint-routes.ts';
import { getCurrentUsage } from './current-usage-route.ts';
import { getUsageCsv } from './usage-export-route.ts';
import { deleteUsageThreshold, getUsageThresholds, putUsageThreshold } from './threshold-routes.ts';
import { getUsageExclusions, postUsageExclusion } from './usage-exclusion-routes.ts';
import { openApiDocument, type OpenApiDocument } from '../openapi/openapi.ts';
import { documentationRoutes } from '../openapi/documentation.ts';
import { postVoid } from './void-route.ts';

/** Every route, in the order of the documentation, without the routes that serve the documentation. */
export const ROUTES: readonly Route[] = [
  postLlmUsage,
  postMeteredUsage,
  postLitellmUsage,
  postUsageExclusion,
  getUsageExclusions,
  getCurrentUsage,
  getQuarantinedUsage,
  getQuarantinedEvent,
  releaseQuarantinedUsage,
  dismissQuarantinedUsage,
  putControlTotals,
  putControlTotal,
  getControlTotals,
  getControlTotal,
  getUsageCsv,
  putUsageThreshold,
  getUsageThresholds,
  deleteUsageThreshold,
  postQuote,
  getInvoices,
  // Before getInvoice, whose id parameter would match the file extension.
  getInvoiceHtml,
  getInvoicePdf,
  getInvoiceCsv,
  getInvoice,
  getInvoiceComparison,
  getInvoiceComposition,
  getInvoiceDifference,
  getLineUsage,
  getLineUsageCsv,
  postVoid,
  getAdjustmentNotes,
  // Before getAdjustmentNote, whose id parameter would match the file extension.
  getAdjustmentNoteHtml,
  getAdjustmentNotePdf,
  getAdjustmentNoteCsv,
  getAdjustmentNote,
  getNoteLineUsage,
  getNoteLineUsageCsv,
  postInvoiceCredit,
  postPayments,
  getPayments,
  getBalances,
  getAging,
  postInvoiceItems,
  getInvoiceItems,
  withdrawInvoiceItem,
  postRollUp,
  postRelease,
  getRollUp,
  getLateUsage,
  getControlTotalComparison,
  postControlTotalAcceptance,
  putCatalogue,
  putPlanVersion,
  getPlanVersion,
  getPlans,
  putAddon,
  getAddon,
  getAddons,
  getUnits,
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
  putTax,
  getTaxTreatments,
  getTaxAssignments,
  getGstRegistrations,
  getExchangeRates,
  postWebhookEndpoint,
  getWebhookEndpoints,
  getWebhookEndpoint,
  deleteWebhookEndpoint,
  rotateWebhookEndpointSecret,
  getWebhookAttempts,
  postWebhookReplay,
  getOperatorActions,
  getSettings,
  getHealth,
  getReadiness,
  getMetrics,
];

/** Returns the OpenAPI document of the whole API, without running a server. */
export function apiDocument(): OpenApiDocument {
  return openApiDocument([...ROUTES, ...documentationRoutes(ROUTES)]);
}
