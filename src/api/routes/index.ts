import type { Route } from '../route.ts';
import { getInvoiceDifference } from './invoice-difference.ts';
import { payInvoice, voidInvoice } from './invoice-status.ts';
import { getInvoice, getInvoices } from './invoices.ts';
import { getLateUsage } from './late-usage.ts';
import { getLineUsage, getLineUsageCsv } from './line-usage.ts';
import { postLlmUsage } from './llm-usage.ts';
import { postMeteredUsage } from './metered-usage.ts';
import { getOperatorActions } from './operator-actions.ts';
import { postQuote } from './quote.ts';
import { getRollUp, postRollUp } from './roll-ups.ts';
import { getHealth, getMetrics, getReadiness } from './system.ts';
import { getUsageExclusions, postUsageExclusion } from './usage-exclusions.ts';

/** Every route, in the order of the documentation; the documentation itself is added to them. */
export const ROUTES: readonly Route[] = [
  postLlmUsage,
  postMeteredUsage,
  postUsageExclusion,
  getUsageExclusions,
  postQuote,
  getInvoices,
  getInvoice,
  getInvoiceDifference,
  getLineUsage,
  getLineUsageCsv,
  payInvoice,
  voidInvoice,
  postRollUp,
  getRollUp,
  getLateUsage,
  getOperatorActions,
  getHealth,
  getReadiness,
  getMetrics,
];
