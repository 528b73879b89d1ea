import { expect, test } from 'vitest';
import { PROJECT_FILES, readProjectFile } from './_project-files.ts';

/**
 * Months and days come from the billing calendar (docs/spec.md#billing-time-zone). Code that computes them in UTC, or by
 * another time zone library, would bill some usage in another month than the rest of the product does.
 */

const BY_ITSELF = /\.getUTC\w+\(|\bdate_trunc\(|\bAT TIME ZONE\b/;

/** Files that may, and why. */
const ALLOWED: ReadonlyMap<string, string> = new Map([
  ['migrations/000002_building_blocks.sql', 'stores the months of UTC, and defines billing_date'],
  ['src/db/settings/billing-settings.ts', 'counts what is not at midnight in a new zone'],
  ['src/db/webhooks/webhook-endpoints.ts', 'formats an instant in UTC'],
]);

const isCode = (file: string) => /^(?:src|dev|migrations)\/.*\.(?:ts|sql)$/.test(file);

test('no code computes months or days without the billing calendar', () => {
  const files = PROJECT_FILES.filter(isCode);
  expect(files.length).toBeGreaterThan(300);
  const found = files.filter((file) => BY_ITSELF.test(readProjectFile(file)));
  expect(found.toSorted()).toEqual([...ALLOWED.keys()].toSorted());
});
