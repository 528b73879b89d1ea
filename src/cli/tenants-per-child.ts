import { Option } from 'commander';
import { MAX_TENANTS_PER_CHILD, type MonthEndOptions } from '../contracts/month-end.ts';
import { integerArgument } from './arguments.ts';

/** How many tenants share a child workflow; by default each has its own. */
export function tenantsPerChildOption(): Option {
  return new Option(
    '--tenants-per-child <count>',
    'tenants that share a workflow; 25 is several times as fast, from some thousand tenants on',
  ).argParser(integerArgument(1, MAX_TENANTS_PER_CHILD));
}

export function toMonthEndOptions(
  tenantsPerChild: number | undefined,
): MonthEndOptions | undefined {
  return tenantsPerChild === undefined ? undefined : { tenantsPerChild };
}
