import type { PageRoute } from './page-definition.ts';
import { tenantInvoices, tenantNotes, tenantPayments } from './tenant-account-pages.ts';
import { thisMonth } from './tenant-month-page.ts';
import { addThreshold, removeThreshold, tenantThresholds } from './tenant-threshold-pages.ts';
import {
  tenantUsage,
  tenantUsageCsv,
  tenantUsageLive,
  tenantUsageStart,
} from './tenant-usage-pages.ts';

/** The pages that only tenants have. Those of single invoices and notes are the operators', under `/tenant`. */
export const TENANT_PAGES: readonly PageRoute[] = [
  thisMonth,
  tenantInvoices,
  tenantNotes,
  tenantPayments,
  tenantUsageStart,
  // Before tenantUsage, whose parameter would match the file extension.
  tenantUsageCsv,
  tenantUsage,
  tenantUsageLive,
  tenantThresholds,
  addThreshold,
  removeThreshold,
];
