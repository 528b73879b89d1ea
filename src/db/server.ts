import type { Dependency } from '../lib/connect-within.ts';
import { openDatabase, type Database, type DatabaseOptions } from './pool.ts';
import { isDatabaseUnavailable } from './unavailable.ts';

/** The database as something that may still be starting. */
export function databaseServer(options: DatabaseOptions): Dependency<Database> {
  return {
    name: 'PostgreSQL',
    address: databaseAddress(options.url),
    connect: () => openDatabase(options),
    isWorthWaiting: isDatabaseUnavailable,
  };
}

/** Host, port and database of a URL: what may be shown of it. */
export function databaseAddress(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
