import { z } from 'zod';
import { listTenantBalances, type BalanceFilter } from '../../db/invoices/balances.ts';
import { listInvoices } from '../../db/invoices/invoice-views.ts';
import { listNotes } from '../../db/invoices/note-views.ts';
import { listPayments } from '../../db/invoices/payment-views.ts';
import { pageOfInvoices } from '../routes/invoice-routes.ts';
import { pageOfNotes } from '../routes/note-routes.ts';
import { pageOfPayments } from '../routes/payment-routes.ts';
import { readerOf } from '../routes/invoice-params.ts';
import { accountPages, nextHref, page, pageQuery } from './page-definition.ts';
import {
  SHOWN_INVOICES,
  tenantInvoicesPage,
  tenantNotesPage,
  tenantPaymentsPage,
  type ShownInvoices,
} from './views/tenant-account-html.ts';

/** What a tenant was invoiced, and what it owes: pages of the tenant, and of operators. */

const ENTRIES_A_PAGE = 24;
/** A tenant has one currency. */
const BALANCES_SHOWN = 10;

const query = z.object(pageQuery);

/** Which invoices a list shows, by their balance. */
const BALANCE_FILTERS: Readonly<Record<ShownInvoices, BalanceFilter>> = {
  open: { open: true },
  overdue: { overdue: true },
  paid: { paymentStatus: 'paid' },
};

/** Lists the tenant's invoices with the balance. */
export const tenantInvoices = accountPages(
  { path: '/invoices', query: z.object({ ...pageQuery, show: z.enum(SHOWN_INVOICES).optional() }) },
  async ({ query: { cursor, show }, visitor, caller, tenantId, path }, { db }) => {
    const filter = show === undefined ? {} : BALANCE_FILTERS[show];
    const { entries, next_cursor } = await pageOfInvoices(
      { limit: ENTRIES_A_PAGE, cursor },
      (asked) => listInvoices(db, { tenantId, ...filter }, asked, readerOf(caller)),
    );
    const balances = await listTenantBalances(db, [tenantId], {
      after: null,
      limit: BALANCES_SHOWN,
    });
    const next = nextHref(path, next_cursor);
    const list = { visitor, tenantId, entries, nextHref: next };
    return page(tenantInvoicesPage({ ...list, balances, show: show ?? null }));
  },
);

/** Lists the tenant's adjustment notes. */
export const tenantNotes = accountPages(
  { path: '/adjustment-notes', query },
  async ({ query: { cursor }, visitor, caller, tenantId, path }, { db }) => {
    const { entries, next_cursor } = await pageOfNotes({ limit: ENTRIES_A_PAGE, cursor }, (asked) =>
      listNotes(db, { tenantId }, asked, readerOf(caller)),
    );
    return page(
      tenantNotesPage({ visitor, tenantId, entries, nextHref: nextHref(path, next_cursor) }),
    );
  },
);

/** Lists the tenant's payments. */
export const tenantPayments = accountPages(
  { path: '/payments', query },
  async ({ query: { cursor }, visitor, caller, tenantId, path }, { db }) => {
    const { entries, next_cursor } = await pageOfPayments(
      { limit: ENTRIES_A_PAGE, cursor },
      (asked) => listPayments(db, { tenantId }, asked, readerOf(caller)),
    );
    return page(
      tenantPaymentsPage({ visitor, tenantId, entries, nextHref: nextHref(path, next_cursor) }),
    );
  },
);
