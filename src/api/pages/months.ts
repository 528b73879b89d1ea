import { z } from 'zod';
import { listMonths, type MonthRow } from '../../db/month-end/month-views.ts';
import { monthBefore } from '../../domain/period.ts';
import { monthsPage } from './views/months.ts';
import { month } from '../http/request-fields.ts';
import { nextHref, pageQuery } from './page-links.ts';
import { operatorPage, page } from './page-definition.ts';
import { pagedBy } from '../http/paging.ts';

const MONTHS_A_PAGE = 12;
const readPage = pagedBy(month, (row: MonthRow) => row.month);

/** The months, the newest first. */
export const months = operatorPage(
  { path: '/operator/months', query: z.object(pageQuery) },
  async ({ query, visitor, path }, { db, now }) => {
    const { entries, next_cursor } = await readPage(
      { limit: MONTHS_A_PAGE, cursor: query.cursor },
      (asked) => listMonths(db, asked),
    );
    const latest = monthBefore(now());
    const isFirstPage = query.cursor === undefined;
    const isAskedFor = entries.some((row) => row.month >= latest);
    return page(
      monthsPage({
        visitor,
        months: entries,
        notAskedFor: isFirstPage && !isAskedFor ? latest : null,
        nextHref: nextHref(path, next_cursor),
      }),
    );
  },
);
