import { join } from 'node:path';
import type { InputFile } from '../src/catalogue/input-file.ts';
import { makePrivateFolder } from '../src/lib/private-files.ts';
import { DemoError } from './demo-checks.ts';
import type { DemoResult } from './demo-run.ts';
import { makeLateEvent } from './demo-usage.ts';
import type { StoryFiles } from './story-figures.ts';
import { adjustPaidInvoice, exportMonth, importPayments, verifyMonth } from './story-money.ts';
import { correctInvoice, findOddEvent, lookThrough, releaseMonth } from './story-review.ts';
import { ODD_TENANT, PAID_TENANT, Story, type StoryStart } from './story-world.ts';
import type { Steps } from './steps.ts';

/**
 * The demo's second act: what happens to a month after its invoices were built. Everything goes through the API and the
 * CLI, and every figure is compared with `story-figures.ts`, which computes it from the demo's files.
 * @throws DemoError if a figure is wrong
 */
export async function runStory(start: StoryStart, steps: Steps): Promise<void> {
  const story = new Story(start);
  const { month } = start;
  await steps.step(`Look through ${month} before its tenants see it`, () => lookThrough(story));
  await steps.step('Find out why one invoice is so large', () => findOddEvent(story));
  await steps.step('Exclude the wrong charge, rerun the invoice', () => correctInvoice(story));
  await steps.step(`Release ${month} to its tenants`, () => releaseMonth(story));
  await steps.step('Import the payments of a bank statement', () => importPayments(story));
  await steps.step(`Bill late usage of ${PAID_TENANT}, which has paid`, () =>
    adjustPaidInvoice(story),
  );
  await steps.step('Export the month for the accountant', () => exportMonth(story));
  await steps.step('Verify the month from its raw records', () => verifyMonth(story));
}

/**
 * Returns what the first act leaves to the second.
 * @throws DemoError if the month was closed before: then the figures may have been changed by hand
 */
export function storyOf(
  { month, isFirstRun, files, subscriptions, events, records, tenantIds, deployments }: DemoResult,
  run: Pick<StoryStart, 'env' | 'signal'> & { readonly stateDir: string },
): StoryStart {
  if (!isFirstRun) throw new DemoError(`The second act needs a month that is not closed yet`);
  const paid = deployments.find(({ tenantId }) => tenantId === PAID_TENANT);
  const oddEvent = events.find(
    ({ tenant_id, gateway_request_id: id }) => tenant_id === ODD_TENANT && id.includes('-odd-'),
  );
  if (!paid || !oddEvent) throw new DemoError('The demo lacks a tenant of its second act');
  const folder = join(run.stateDir, 'story');
  makePrivateFolder(folder);
  return {
    ...{ month, tenantIds, oddEvent, folder, env: run.env, signal: run.signal },
    files: {
      ...(read(files.catalogue) as Pick<StoryFiles, 'plans' | 'addons'>),
      ...(read(files.tax) as Pick<StoryFiles, 'treatments'>),
      tenants: subscriptions.flatMap((file) => (read(file) as Pick<StoryFiles, 'tenants'>).tenants),
    },
    usage: { events, records },
    lateEvent: makeLateEvent(month, paid),
  };
}

/** The file as it is written, because the second act shares no code with what reads it. */
function read({ bytes }: InputFile): unknown {
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
}
