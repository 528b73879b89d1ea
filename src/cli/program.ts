import { Command } from 'commander';
import { auditListCommand } from './commands/audit-list-command.ts';
import { catalogueApplyCommand } from './commands/catalogue-apply-command.ts';
import { invoicesCreditCommand } from './commands/invoices-credit-command.ts';
import { invoicesCompareCommand } from './commands/invoices-compare-command.ts';
import { invoicesDiffCommand } from './commands/invoices-diff-command.ts';
import {
  controlTotalsAcceptCommand,
  controlTotalsCompareCommand,
  controlTotalsListCommand,
} from './commands/control-totals-commands.ts';
import { doctorCommand } from './commands/doctor-command.ts';
import { invoicesListCommand } from './commands/invoices-list-command.ts';
import { invoicesShowCommand } from './commands/invoices-show-command.ts';
import { invoicesUsageCommand } from './commands/invoices-usage-command.ts';
import { invoicesVoidCommand } from './commands/invoices-void-command.ts';
import { notesListCommand, notesShowCommand } from './commands/notes-commands.ts';
import { itemsListCommand } from './commands/items-list-command.ts';
import {
  itemsAddCommand,
  itemsImportCommand,
  itemsWithdrawCommand,
} from './commands/items-record-commands.ts';
import { keysCreateCommand } from './commands/keys-create-command.ts';
import { keysListCommand } from './commands/keys-list-command.ts';
import { keysRevokeCommand } from './commands/keys-revoke-command.ts';
import { keysRotateCommand } from './commands/keys-rotate-command.ts';
import { keysSignCommand, keysUnsignCommand } from './commands/keys-signing-commands.ts';
import { migrateCommand } from './commands/migrate-command.ts';
import { monthEndExportCommand } from './commands/month-end-export-command.ts';
import { monthEndForceCommand } from './commands/month-end-force-command.ts';
import { monthEndLateUsageCommand } from './commands/month-end-late-usage-command.ts';
import { monthEndPreviewCommand } from './commands/month-end-preview-command.ts';
import { monthEndReleaseCommand } from './commands/month-end-release-command.ts';
import { monthEndStartCommand } from './commands/month-end-start-command.ts';
import { monthEndStatusCommand } from './commands/month-end-status-command.ts';
import { monthEndVerifyCommand } from './commands/month-end-verify-command.ts';
import { paymentsImportCommand } from './commands/payments-import-command.ts';
import {
  paymentsAgingCommand,
  paymentsBalancesCommand,
  paymentsListCommand,
} from './commands/payments-list-commands.ts';
import { paymentsRecordCommand } from './commands/payments-record-command.ts';
import {
  quarantineDismissCommand,
  quarantineReleaseCommand,
} from './commands/quarantine-decide-commands.ts';
import {
  quarantineListCommand,
  quarantineShowCommand,
} from './commands/quarantine-list-commands.ts';
import { scheduleApplyCommand } from './commands/schedule-apply-command.ts';
import {
  scheduleBackfillCommand,
  schedulePauseCommand,
  scheduleResumeCommand,
  scheduleTriggerCommand,
} from './commands/schedule-control-commands.ts';
import { scheduleDescribeCommand } from './commands/schedule-describe-command.ts';
import { sellerApplyCommand, sellerShowCommand } from './commands/seller-commands.ts';
import { settingsSetCommand, settingsShowCommand } from './commands/settings-commands.ts';
import { subscriptionsApplyCommand } from './commands/subscriptions-apply-command.ts';
import {
  exchangeRatesAddCommand,
  taxAddCommand,
  taxApplyCommand,
  taxAssignCommand,
  taxRegistrationCommand,
} from './commands/tax-change-commands.ts';
import {
  exchangeRatesListCommand,
  taxAssignmentsCommand,
  taxListCommand,
} from './commands/tax-list-commands.ts';
import { usageCurrentCommand } from './commands/usage-current-command.ts';
import {
  thresholdsListCommand,
  thresholdsRemoveCommand,
  thresholdsSetCommand,
} from './commands/thresholds-commands.ts';
import { usageArchiveCommand } from './commands/usage-archive-command.ts';
import { usageExcludeCommand } from './commands/usage-exclude-command.ts';
import { usageExclusionsCommand } from './commands/usage-exclusions-command.ts';
import { usageExpireCommand } from './commands/usage-expire-command.ts';
import { usageReconcileCommand } from './commands/usage-reconcile-command.ts';
import { usageReplayCommand } from './commands/usage-replay-command.ts';
import { usageSendCommand } from './commands/usage-send-command.ts';
import {
  webhooksAddCommand,
  webhooksDisableCommand,
  webhooksListCommand,
} from './commands/webhooks-endpoint-commands.ts';
import { webhooksLogCommand, webhooksPruneCommand } from './commands/webhooks-log-commands.ts';
import { webhooksReplayCommand } from './commands/webhooks-replay-command.ts';
import { webhooksRotateSecretCommand } from './commands/webhooks-rotate-secret-command.ts';
import { workersPromoteCommand } from './commands/workers-promote-command.ts';
import { printErrorText, printText } from '../lib/terminal.ts';
import { visible } from '../lib/visible-text.ts';
import { style, styleError } from './render/styled-text.ts';
import { wantsJson } from './output.ts';
import manifest from '../../package.json' with { type: 'json' };

/** All commands. */
export function createProgram(): Command {
  const program = new Command('arcadia')
    .usage('<command> [options]')
    .description('Month-end invoicing: set up, run and correct months.')
    .option('--json', 'print one JSON document instead of text; notes and errors become JSON lines')
    .option('--verbose', 'also show the stack trace of an error')
    .version(version, '--version', 'print the version')
    .addHelpText(
      'after',
      `
DATABASE_URL and TEMPORAL_ADDRESS (and Temporal's other variables) name the servers. Without
DATABASE_URL, commands use the local servers that \`npm run local\` or \`npm run demo\` started (.local/env).
docs/cli.md describes all commands and what they print.

${EXIT_CODES}

Examples:
  npm run cli -- doctor
  npm run cli -- invoices list --period 2026-05
  npm run cli -- month-end force 2026-05 --tenant acme --reason "late usage"`,
    );
  const group = (name: string, description: string, commands: readonly Command[]): void => {
    const parent = program.command(name).description(description);
    for (const command of commands) parent.addCommand(command);
  };
  program.addCommand(migrateCommand());
  program.addCommand(doctorCommand());
  group('settings', 'manage the settings of the installation', [
    settingsShowCommand(),
    settingsSetCommand(),
  ]);
  group('catalogue', 'manage units, plans and addons', [catalogueApplyCommand()]);
  group('subscriptions', 'manage tenants and their subscriptions', [subscriptionsApplyCommand()]);
  group('seller', 'manage the seller details on invoices', [
    sellerApplyCommand(),
    sellerShowCommand(),
  ]);
  group('tax', 'manage tax treatments and the GST registration', [
    taxApplyCommand(),
    taxAddCommand(),
    taxAssignCommand(),
    taxRegistrationCommand(),
    taxListCommand(),
    taxAssignmentsCommand(),
  ]);
  group('exchange-rates', 'manage the exchange rates of tax invoices', [
    exchangeRatesAddCommand(),
    exchangeRatesListCommand(),
  ]);
  group('keys', 'manage API keys', [
    keysCreateCommand(),
    keysRotateCommand(),
    keysRevokeCommand(),
    keysListCommand(),
    keysSignCommand(),
    keysUnsignCommand(),
  ]);
  group('schedule', 'manage the Schedule that closes each month', [
    scheduleApplyCommand(),
    schedulePauseCommand(),
    scheduleResumeCommand(),
    scheduleDescribeCommand(),
    scheduleTriggerCommand(),
    scheduleBackfillCommand(),
  ]);
  group('month-end', 'close, check and correct a month', [
    monthEndStartCommand(),
    monthEndStatusCommand(),
    monthEndForceCommand(),
    monthEndReleaseCommand(),
    monthEndPreviewCommand(),
    monthEndLateUsageCommand(),
    monthEndVerifyCommand(),
    monthEndExportCommand(),
  ]);
  group('invoices', 'show, credit and void invoices', [
    invoicesListCommand(),
    invoicesShowCommand(),
    invoicesDiffCommand(),
    invoicesUsageCommand(),
    invoicesCompareCommand(),
    invoicesVoidCommand(),
    invoicesCreditCommand(),
  ]);
  group('notes', 'show adjustment notes', [notesListCommand(), notesShowCommand()]);
  group('payments', 'record payments, and show what is owed', [
    paymentsRecordCommand(),
    paymentsImportCommand(),
    paymentsListCommand(),
    paymentsBalancesCommand(),
    paymentsAgingCommand(),
  ]);
  group('items', 'manage one-off charges and credits on invoices', [
    itemsAddCommand(),
    itemsImportCommand(),
    itemsListCommand(),
    itemsWithdrawCommand(),
  ]);
  group('usage', 'show, send, reconcile, exclude, archive and expire usage', [
    usageCurrentCommand(),
    usageReplayCommand(),
    usageSendCommand(),
    usageReconcileCommand(),
    usageExcludeCommand(),
    usageExclusionsCommand(),
    usageArchiveCommand(),
    usageExpireCommand(),
  ]);
  group('quarantine', 'show, release and dismiss usage that could not be accepted', [
    quarantineListCommand(),
    quarantineShowCommand(),
    quarantineReleaseCommand(),
    quarantineDismissCommand(),
  ]);
  group('control-totals', "compare the gateway's totals with the ledger", [
    controlTotalsListCommand(),
    controlTotalsCompareCommand(),
    controlTotalsAcceptCommand(),
  ]);
  group('thresholds', 'manage spend thresholds of tenants', [
    thresholdsSetCommand(),
    thresholdsRemoveCommand(),
    thresholdsListCommand(),
  ]);
  group('webhooks', 'manage webhooks', [
    webhooksAddCommand(),
    webhooksListCommand(),
    webhooksDisableCommand(),
    webhooksRotateSecretCommand(),
    webhooksLogCommand(),
    webhooksReplayCommand(),
    webhooksPruneCommand(),
  ]);
  group('workers', 'manage worker builds', [workersPromoteCommand()]);
  group('audit', 'show the audit trail', [auditListCommand()]);
  setUp(program);
  return program;
}

/** Shown in the help of every command. */
export const EXIT_CODES =
  'Exit codes: 0 success, 1 failure, 2 invalid command, 3 found a problem, 130 interrupted.';

/** Commander's error and its suggestion, a line each: what the user typed can't add lines. */
function oneLineEach(message: string): string {
  return message
    .trimEnd()
    .split(/\n(?=\(Did you mean )/)
    .map(visible)
    .join('\n');
}

/** Exit, error and option handling shared by all commands. */
function setUp(command: Command): void {
  command
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, styleTitle: (title) => style('bold', title) })
    .configureOutput({
      writeOut: printText,
      // With --json, `run` prints the error as one line of JSON.
      writeErr: wantsJson() ? () => undefined : printErrorText,
      outputError: (message, write) => write(`${styleError('red', oneLineEach(message))}\n`),
    });
  if (command.commands.length === 0) command.addHelpText('after', `\n${EXIT_CODES}`);
  command.commands.forEach(setUp);
}

/** The version of this release. */
export const { version } = manifest;
