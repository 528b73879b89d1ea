export { dailyNotices } from './daily-notices.ts';
export { deliverWebhooks } from './deliver-webhooks.ts';
export { monthEnd } from './month-end.ts';
export { scheduledMonthEnd } from './scheduled-month-end.ts';
export { tenantInvoice } from './tenant-invoice.ts';
export { usageSweep } from './usage-sweep.ts';
