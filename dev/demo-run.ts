import { printLine } from '../src/lib/terminal.ts';
import { renderInvoice, type PrintableInvoice } from '../src/cli/render/invoice-text.ts';
import { formatAmount, formatMoney } from '../src/domain/format.ts';
import { renderOutcomes } from '../src/cli/render/outcomes-text.ts';
import { indent, renderTable } from '../src/cli/render/text-table.ts';
import { startProgress } from '../src/cli/progress-display.ts';
import { listOutcomes } from '../src/db/month-end/outcome-views.ts';
import { describeOutcomes } from '../src/contracts/month-end-types.ts';
import { listMonths } from '../src/db/month-end/month-views.ts';
import { loadCalendar } from '../src/db/settings/load-calendar.ts';
import type { Month } from '../src/domain/period.ts';
import { applyCatalogueFile } from '../src/catalogue/apply-catalogue.ts';
import { applySeller } from '../src/catalogue/apply-seller.ts';
import { applySubscriptionsFile } from '../src/catalogue/apply-subscriptions.ts';
import { applyTaxFile } from '../src/catalogue/apply-tax.ts';
import { parseTaxFile } from '../src/catalogue/tax-file.ts';
import { parseSubscriptionsFile } from '../src/catalogue/subscriptions-file.ts';
import type { InputFile } from '../src/catalogue/input-file.ts';
import type { LlmUsageEvent } from '../src/cli/replay/trace-events.ts';
import { createUsageClient } from '../src/client/gateway/usage-client.ts';
import { closeBySchedule, forceByHand } from './demo-month-end.ts';
import {
  STUDIO_TENANT,
  checkLlmLines,
  checkMonth,
  checkOutcomes,
  checkStudio,
  expectEqual,
} from './demo-checks.ts';
import {
  listDemoDeployments,
  readDemoFiles,
  readRealMonth,
  type DemoDeployment,
  type DemoFiles,
} from './demo-files.ts';
import {
  makeLateEvent,
  makeLlmEvents,
  makeMeteredRecords,
  makeOddEvent,
  usesLlm,
  type MeteredRecord,
} from './demo-usage.ts';
import {
  checkRealMonth,
  quoteFirstMonth,
  renderQuote,
  renderRealMonth,
} from './demo-real-month.ts';
import { createOperatorApi, type RollUp } from './operator-api.ts';
import { countPosts, simulateUsage } from './simulator.ts';
import type { LocalStack } from './stack.ts';
import { ODD_TENANT } from './story-world.ts';
import type { Steps } from './steps.ts';

/** The tenant whose invoice is corrected at the end. */
const FORCED_TENANT = 'juniper-labs';

export interface DemoOptions {
  readonly signal: AbortSignal;
  /** Whether the second act follows: the seller reviews invoices, and one of them is wrong. */
  readonly isStory: boolean;
}

/** What the demo leaves behind. */
export interface DemoResult {
  readonly month: Month;
  /** Whether the database was empty, so that every result could be checked. */
  readonly isFirstRun: boolean;
  readonly files: DemoFiles;
  readonly subscriptions: readonly InputFile[];
  /** All usage that was sent. */
  readonly events: readonly LlmUsageEvent[];
  readonly records: readonly MeteredRecord[];
  /** Tenants with an invoice. */
  readonly tenantIds: readonly string[];
  readonly deployments: readonly DemoDeployment[];
}

/**
 * Runs the demo step by step and checks the results.
 * @throws DemoError if a result is wrong
 */
export async function runDemo(
  stack: LocalStack,
  steps: Steps,
  { signal, isStory }: DemoOptions,
): Promise<DemoResult> {
  const { db, env, engine } = stack;
  const { client } = engine.temporal;
  const api = createOperatorApi(env.API_URL, env.OPERATOR_API_KEY, signal);
  const clientFor = (apiKey: string) => createUsageClient({ apiUrl: env.API_URL, apiKey, signal });
  const calendar = await loadCalendar(db);
  const period = calendar.periodOf(calendar.monthBefore(new Date()));
  const { month } = period;

  const files = readDemoFiles();
  const subscriptions = [files.subscriptions, readRealMonth(month)];
  const tenants = subscriptions.flatMap((file) => parseSubscriptionsFile(file).tenants);
  const deployments = subscriptions.flatMap((file) =>
    listDemoDeployments({ ...files, subscriptions: file }),
  );
  const withLlm = deployments.filter(usesLlm);
  const odd = withLlm.filter(({ tenantId }) => isStory && tenantId === ODD_TENANT);
  const events = [
    ...makeLlmEvents(calendar, month, withLlm),
    ...odd.map((deployment) => makeOddEvent(month, deployment)),
  ];
  const records = makeMeteredRecords(calendar, month, deployments, files.meteredUsage);

  await steps.step('Import plans, tenants and subscriptions', async () => {
    const catalogue = await applyCatalogueFile(db, files.catalogue);
    await applySeller(db, isStory ? underReview(files.seller) : files.seller);
    await applyTaxFile(db, parseTaxFile(files.tax));
    let newTenants = 0;
    for (const file of subscriptions) {
      newTenants += (await applySubscriptionsFile(db, file)).newTenants.length;
    }
    const versions = catalogue.newVersions.length + catalogue.unchangedVersions.length;
    return {
      text:
        `${versions} plans, ${tenants.length} tenants with ${deployments.length} deployments` +
        (newTenants === 0 ? ' (unchanged)' : ''),
    };
  });

  const { quote } = await steps.step(`Ask for a price from ${month}-20 on`, async () => {
    const answered = await quoteFirstMonth(api, period);
    return { quote: answered, text: renderQuote(answered) };
  });

  await steps.step(`Send the usage of ${month} to the API`, async () => {
    const progress = startProgress({
      what: '     Sending',
      unit: 'events',
      total: countPosts({ events, records }),
    });
    const { llm, metered } = await simulateUsage({
      gateway: clientFor(env.GATEWAY_API_KEY),
      metering: clientFor(env.METERING_API_KEY),
      events,
      records,
      onProgress: progress.update,
    }).finally(progress.stop);
    expectEqual('Rejected usage', refused(llm) + refused(metered), 0);
    return {
      text:
        'The LLM gateway and the meters post usage; duplicates are not counted twice.\n' +
        `LLM requests: ${llm.accepted ?? 0} accepted, ${llm.duplicate ?? 0} duplicates\n` +
        `metered records: ${metered.accepted ?? 0} accepted, ${metered.duplicate ?? 0} duplicates`,
    };
  });

  // Later runs find the state of earlier ones, perhaps changed by hand, so they check nothing.
  const { isFirstRun } = await steps.step(
    `Trigger the Schedule, which closes ${month}`,
    async () => {
      const progress = startProgress({
        what: '     Closing',
        unit: 'tenants',
        total: tenants.length,
      });
      const closed = await closeBySchedule(client, api, {
        signal,
        onProgress: progress.update,
      }).finally(progress.stop);
      checkMonth(closed.month, month);
      const { outcomes } = closed.rollUp;
      return {
        text:
          'One child workflow per tenant issues its invoice; a tenant with wrong data is parked.\n' +
          describeOutcomes(outcomes),
        isFirstRun:
          outcomes.rolled > 0 && (await listMonths(db, { after: null, limit: 2 })).length === 1,
      };
    },
  );

  const outcomes = await listOutcomes(db, month, { after: null, limit: 1000 });
  if (isFirstRun) checkOutcomes(outcomes, tenants.length);
  const invoices = await api.invoices(month);
  const byTenant = new Map<string, PrintableInvoice>();
  for (const { invoice_id, tenant_id } of invoices) {
    const invoice = await api.invoice(invoice_id);
    byTenant.set(tenant_id, invoice);
    if (isFirstRun) checkLlmLines(invoice, events);
    if (tenant_id === STUDIO_TENANT) {
      if (isFirstRun) checkStudio(invoice);
      printLine(`${renderOutcomes(outcomes)}\n\n${renderInvoice(invoice)}\n`);
    }
  }
  if (isFirstRun) checkRealMonth(period, byTenant, quote);
  printLine(`${renderRealMonth(byTenant, quote)}\n`);
  const { totals } = await api.rollUp(month);
  printLine(`${indent(renderTotals(totals))}\n`);

  const [forced] = withLlm.filter(({ tenantId }) => tenantId === FORCED_TENANT) as [DemoDeployment];
  const late = makeLateEvent(month, forced);
  await steps.step(`Force a rerun for late usage of ${FORCED_TENANT}`, async () => {
    await clientFor(env.GATEWAY_API_KEY).postOne('llm', late);
    const standing = invoices.find(({ tenant_id }) => tenant_id === FORCED_TENANT);
    if (standing && standing.revision > 1) {
      return {
        text:
          `billed by an earlier run: ${standing.number} is revision ${standing.revision}\n` +
          'To start over, run `npm run demo -- --reset`.',
      };
    }
    const { before, after } = await forceByHand(client, api, {
      month,
      tenantId: FORCED_TENANT,
      reason: 'late usage',
      signal,
    });
    if (isFirstRun) checkLlmLines(after, [...events, late]);
    const explanation =
      'The signal forceReRun issues a new revision, which supersedes the first invoice.';
    return {
      text: `${explanation}\n${renderTable(
        [
          { head: 'invoice', value: (invoice) => invoice.number },
          { head: 'rev', align: 'right', value: (invoice) => invoice.revision },
          { head: 'status', value: (invoice) => invoice.status },
          {
            head: 'total',
            align: 'right',
            value: (invoice) => formatMoney(invoice.total_cents, invoice.currency),
          },
          { head: 'why', value: (invoice) => invoice.re_run?.reason ?? '' },
        ],
        [before, after],
      )}`,
    };
  });

  return {
    ...{ month, isFirstRun, files, subscriptions, records, deployments },
    events: [...events, late],
    tenantIds: invoices.map(({ tenant_id }) => tenant_id),
  };
}

/** Returns the seller with the setting that tenants see invoices once they are released. */
function underReview({ name, bytes }: InputFile): InputFile {
  const seller = JSON.parse(Buffer.from(bytes).toString('utf8')) as object;
  return { name, bytes: Buffer.from(JSON.stringify({ ...seller, release: 'review' })) };
}

function refused({ conflict = 0, rejected = 0 }: { conflict?: number; rejected?: number }): number {
  return conflict + rejected;
}

function renderTotals(totals: RollUp['totals']): string {
  return renderTable(
    [
      { head: 'all invoices', align: 'right', value: (total) => total.invoices },
      {
        head: 'subtotal',
        align: 'right',
        value: (total) => formatAmount(total.subtotal_cents, total.currency),
      },
      {
        head: 'tax',
        align: 'right',
        value: (total) => formatAmount(total.tax_cents, total.currency),
      },
      {
        head: 'total',
        align: 'right',
        value: (total) => formatAmount(total.total_cents, total.currency),
      },
      { head: '', value: (total) => total.currency },
    ],
    totals,
  );
}

/** Returns what to look at while the servers run. */
export function renderNextSteps(
  { servers, env, envFile, logFile }: LocalStack,
  month: Month,
): string {
  const workflows = `${servers.uiUrl}/namespaces/${env.TEMPORAL_NAMESPACE}/workflows`;
  const force = `month-end force ${month} --tenant ${STUDIO_TENANT} --reason "late usage" --watch`;
  const createKey = `keys create --scope tenant --tenant ${STUDIO_TENANT} --label me`;
  return [
    `${month} is closed. What you can do next:`,
    '',
    ...(servers.uiUrl === null ? [] : [`  See its workflow   ${workflows}/month-end-${month}`]),
    `  Operator pages     ${env.API_URL}/operator/months/${month}`,
    `  Operator key       grep OPERATOR_API_KEY ${envFile}`,
    `  Tenant pages       ${env.API_URL}/tenant`,
    `  Tenant key         npm run cli -- ${createKey}`,
    `  API reference      ${env.API_URL}/docs`,
    `  List invoices      npm run cli -- invoices list --month ${month}`,
    `  Force a rerun      npm run cli -- ${force}`,
    `  Read the log       ${logFile}`,
    '',
  ].join('\n');
}
