import { documents } from './documents.ts';
import { lineUsage, oneInvoice } from './invoice.ts';
import { monthInvoices } from './invoices.ts';
import { oneMonth, oneMonthLive, parkedTenants } from './month.ts';
import { months } from './months.ts';
import type { PageRoute } from './page-definition.ts';
import { quote } from './quote.ts';
import { askForReRun, oneRequest, oneRequestLive, reRun } from './re-run.ts';

/** Every page that somebody has to be signed in for. */
export const PAGES: readonly PageRoute[] = [
  months,
  oneMonth,
  oneMonthLive,
  parkedTenants,
  monthInvoices,
  askForReRun,
  reRun,
  oneRequest,
  oneRequestLive,
  // Before the invoice itself, whose id would take in a file's name.
  ...documents,
  oneInvoice,
  lineUsage,
  quote,
];
