import type { Route } from '../route.ts';
import { getInvoice, getInvoices } from './invoices.ts';
import { postLlmUsage } from './llm-usage.ts';
import { postMeteredUsage } from './metered-usage.ts';
import { postQuote } from './quote.ts';
import { getRollUp, postRollUp } from './roll-ups.ts';
import { getHealth, getMetrics, getReadiness } from './system.ts';

/** Every route, in the order of the documentation; the documentation itself is added to them. */
export const ROUTES: readonly Route[] = [
  postLlmUsage,
  postMeteredUsage,
  postQuote,
  getInvoices,
  getInvoice,
  postRollUp,
  getRollUp,
  getHealth,
  getReadiness,
  getMetrics,
];
