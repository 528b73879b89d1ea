import { computeMonthStarts, createBillingCalendar } from '../../src/domain/billing-calendar.ts';

/** The calendar of a new installation, whose billing time zone is UTC. */
export const UTC = createBillingCalendar('UTC', computeMonthStarts('UTC'));

export const { periodOf, monthOf: monthOfInstant, monthBefore, isOver } = UTC;
