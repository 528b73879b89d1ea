import { z } from 'zod';
import { listTenantBalances } from '../../db/invoices/balances.ts';
import { listInvoices } from '../../db/invoices/invoice-views.ts';
import { listNotes } from '../../db/invoices/note-views.ts';
import { listPayments } from '../../db/invoices/payment-views.ts';
import { pageOfInvoices } from '../routes/invoice-routes.ts';
import { pageOfNotes } from '../routes/note-routes.ts';
import { pageOfPayments } from '../routes/payment-routes.ts';
import { nextHref, page, pageQuery, tenantPage } from './page-definition.ts';
import {
  tenantInvoicesPage,
  tenantNotesPage,
  tenantPaymentsPage,
} from './views/tenant-account-html.ts';

/** What a tenant was invoiced, and what it owes. */

const ENTRIES_A_PAGE = 24;
/** A tenant has one currency. */
const BALANCES_SHOWN = 10;

const query = z.object(pageQuery);

/** Lists the tenant's invoices with the balance. */
export const tenantInvoices = tenantPage(
  { path: '/tenant/invoices', query },
  async ({ query: { cursor }, visitor, tenantId, path }, { db }) => {
    const { entries, next_cursor } = await pageOfInvoices(
      { limit: ENTRIES_A_PAGE, cursor },
      (asked) => listInvoices(db, { tenantId }, asked, 'tenant'),
    );
    const balances = await listTenantBalances(db, tenantId, { after: null, limit: BALANCES_SHOWN });
    const next = nextHref(path, next_cursor);
    return page(tenantInvoicesPage({ visitor, balances, entries, nextHref: next }));
  },
);

/** Lists the tenant's adjustment notes. */
export const tenantNotes = tenantPage(
  { path: '/tenant/adjustment-notes', query },
  async ({ query: { cursor }, visitor, tenantId, path }, { db }) => {
    const { entries, next_cursor } = await pageOfNotes({ limit: ENTRIES_A_PAGE, cursor }, (asked) =>
      listNotes(db, { tenantId }, asked, 'tenant'),
    );
    return page(tenantNotesPage({ visitor, entries, nextHref: nextHref(path, next_cursor) }));
  },
);

/** Lists the tenant's payments. */
export const tenantPayments = tenantPage(
  { path: '/tenant/payments', query },
  async ({ query: { cursor }, visitor, tenantId, path }, { db }) => {
    const { entries, next_cursor } = await pageOfPayments(
      { limit: ENTRIES_A_PAGE, cursor },
      (asked) => listPayments(db, { tenantId }, asked, 'tenant'),
    );
    return page(tenantPaymentsPage({ visitor, entries, nextHref: nextHref(path, next_cursor) }));
  },
);
