import type { createPgDriverFactory } from '@slonik/pg-driver';

/** What makes the connections through which Slonik speaks to PostgreSQL. */
export type DriverFactory = ReturnType<typeof createPgDriverFactory>;
