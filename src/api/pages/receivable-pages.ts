import { z } from 'zod';
import { readAging, readToday, type BalanceFilter } from '../../db/invoices/balances.ts';
import { listInvoices } from '../../db/invoices/invoice-views.ts';
import { pageOfInvoices } from '../routes/invoice-routes.ts';
import { nextHref, operatorPage, page, pageQuery } from './page-definition.ts';
import {
  AGING_PATH,
  agingPage,
  RECEIVABLES_PATH,
  receivablesPage,
  SHOWN_RECEIVABLES,
  type ShownReceivables,
} from './views/receivables-html.ts';

/** What all tenants owe. */

const INVOICES_A_PAGE = 50;

const FILTERS: Readonly<Record<ShownReceivables, BalanceFilter>> = {
  overdue: { overdue: true },
  partly_paid: { paymentStatus: 'partly_paid' },
};

/** Lists the open invoices of all tenants, newest month first. */
export const receivables = operatorPage(
  {
    path: RECEIVABLES_PATH,
    query: z.object({ ...pageQuery, show: z.enum(SHOWN_RECEIVABLES).optional() }),
  },
  async ({ query: { cursor, show }, visitor, path }, { db }) => {
    const filter = show === undefined ? { open: true } : FILTERS[show];
    const { entries, next_cursor } = await pageOfInvoices(
      { limit: INVOICES_A_PAGE, cursor },
      (asked) => listInvoices(db, filter, asked),
    );
    const next = nextHref(path, next_cursor);
    return page(
      receivablesPage({ visitor, invoices: entries, show: show ?? null, nextHref: next }),
    );
  },
);

/** Shows what is owed by age. It computes the balance of each invoice, so it has a page of its own. */
export const aging = operatorPage({ path: AGING_PATH }, async ({ visitor }, { db }) => {
  const today = await readToday(db);
  return page(agingPage({ visitor, today, aging: await readAging(db, null) }));
});
