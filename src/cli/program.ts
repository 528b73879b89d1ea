import { Command } from 'commander';
import { auditListCommand } from './commands/audit-list.ts';
import { catalogueApplyCommand } from './commands/catalogue-apply.ts';
import { invoicesDiffCommand } from './commands/invoices-diff.ts';
import { doctorCommand } from './commands/doctor.ts';
import { invoicesListCommand } from './commands/invoices-list.ts';
import { invoicesPayCommand, invoicesVoidCommand } from './commands/invoices-mark.ts';
import { invoicesShowCommand } from './commands/invoices-show.ts';
import { invoicesUsageCommand } from './commands/invoices-usage.ts';
import { keysCreateCommand } from './commands/keys-create.ts';
import { keysListCommand } from './commands/keys-list.ts';
import { keysRevokeCommand } from './commands/keys-revoke.ts';
import { keysRotateCommand } from './commands/keys-rotate.ts';
import { keysSignCommand, keysUnsignCommand } from './commands/keys-signing.ts';
import { migrateCommand } from './commands/migrate-database.ts';
import { monthEndExportCommand } from './commands/month-end-export.ts';
import { monthEndForceCommand } from './commands/month-end-force.ts';
import { monthEndLateUsageCommand } from './commands/month-end-late-usage.ts';
import { monthEndPreviewCommand } from './commands/month-end-preview.ts';
import { monthEndStartCommand } from './commands/month-end-start.ts';
import { monthEndStatusCommand } from './commands/month-end-status.ts';
import { monthEndVerifyCommand } from './commands/month-end-verify.ts';
import { scheduleApplyCommand } from './commands/schedule-apply.ts';
import {
  scheduleBackfillCommand,
  schedulePauseCommand,
  scheduleResumeCommand,
  scheduleTriggerCommand,
} from './commands/schedule-control.ts';
import { scheduleDescribeCommand } from './commands/schedule-describe.ts';
import { sellerApplyCommand, sellerShowCommand } from './commands/seller.ts';
import { subscriptionsApplyCommand } from './commands/subscriptions-apply.ts';
import { usageArchiveCommand } from './commands/usage-archive.ts';
import { usageExcludeCommand } from './commands/usage-exclude.ts';
import { usageExclusionsCommand } from './commands/usage-exclusions.ts';
import { usageExpireCommand } from './commands/usage-expire.ts';
import { usageReplayCommand } from './commands/usage-replay.ts';
import { usageSendCommand } from './commands/usage-send.ts';
import {
  webhooksAddCommand,
  webhooksDisableCommand,
  webhooksListCommand,
} from './commands/webhooks-receivers.ts';
import { webhooksLogCommand, webhooksPruneCommand } from './commands/webhooks-log.ts';
import { webhooksReplayCommand } from './commands/webhooks-replay.ts';
import { webhooksRotateSecretCommand } from './commands/webhooks-rotate-secret.ts';
import { workersPromoteCommand } from './commands/workers-promote.ts';
import { printErrorText, printText } from '../lib/terminal.ts';
import { visible } from '../lib/visible-text.ts';
import { style, styleError } from './render/styled-text.ts';
import { wantsJson } from './output.ts';
import manifest from '../../package.json' with { type: 'json' };

/** All commands. */
export function createProgram(): Command {
  const program = new Command('arcadia')
    .usage('<command> [options]')
    .description('Month-end invoicing: set up, watch, correct.')
    .option(
      '--json',
      'print one JSON document instead of text; notes and errors are JSON lines then',
    )
    .option('--verbose', 'of an error, also show where it comes from')
    .version(version, '--version', 'print the version')
    .addHelpText(
      'after',
      `
Servers are found by DATABASE_URL and TEMPORAL_ADDRESS (and the rest of Temporal's variables), or
else by what \`npm run local\` and \`npm run demo\` write to .local/env.
docs/cli.md has all commands, with what they print.

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
  group('catalogue', 'plans and addons', [catalogueApplyCommand()]);
  group('subscriptions', 'tenants and what they have', [subscriptionsApplyCommand()]);
  group('seller', 'who sells', [sellerApplyCommand(), sellerShowCommand()]);
  group('keys', 'API keys', [
    keysCreateCommand(),
    keysRotateCommand(),
    keysRevokeCommand(),
    keysListCommand(),
    keysSignCommand(),
    keysUnsignCommand(),
  ]);
  group('schedule', 'the Schedule that closes the month', [
    scheduleApplyCommand(),
    schedulePauseCommand(),
    scheduleResumeCommand(),
    scheduleDescribeCommand(),
    scheduleTriggerCommand(),
    scheduleBackfillCommand(),
  ]);
  group('month-end', 'closing a month', [
    monthEndStartCommand(),
    monthEndStatusCommand(),
    monthEndForceCommand(),
    monthEndPreviewCommand(),
    monthEndLateUsageCommand(),
    monthEndVerifyCommand(),
    monthEndExportCommand(),
  ]);
  group('invoices', 'what was billed', [
    invoicesListCommand(),
    invoicesShowCommand(),
    invoicesDiffCommand(),
    invoicesUsageCommand(),
    invoicesPayCommand(),
    invoicesVoidCommand(),
  ]);
  group('usage', 'what was used', [
    usageReplayCommand(),
    usageSendCommand(),
    usageExcludeCommand(),
    usageExclusionsCommand(),
    usageArchiveCommand(),
    usageExpireCommand(),
  ]);
  group('webhooks', 'telling others', [
    webhooksAddCommand(),
    webhooksListCommand(),
    webhooksDisableCommand(),
    webhooksRotateSecretCommand(),
    webhooksLogCommand(),
    webhooksReplayCommand(),
    webhooksPruneCommand(),
  ]);
  group('workers', 'their builds', [workersPromoteCommand()]);
  group('audit', 'what operators did', [auditListCommand()]);
  setUp(program);
  return program;
}

/** On every command's help. */
export const EXIT_CODES =
  'Exit code: 0 done, 1 failed, 2 not a valid command, 3 found something wrong, 130 interrupted.';

/** The error and, where there is one, the suggestion: what was typed can't add a line. */
function oneLineEach(message: string): string {
  return message
    .trimEnd()
    .split(/\n(?=\(Did you mean )/)
    .map(visible)
    .join('\n');
}

/** What holds for each: how it ends, how it complains, and which options there are everywhere. */
function setUp(command: Command): void {
  command
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, styleTitle: (title) => style('bold', title) })
    .configureOutput({
      writeOut: printText,
      // A program gets one line of JSON, from where all errors are told.
      writeErr: wantsJson() ? () => undefined : printErrorText,
      outputError: (message, write) => write(`${styleError('red', oneLineEach(message))}\n`),
    });
  if (command.commands.length === 0) command.addHelpText('after', `\n${EXIT_CODES}`);
  command.commands.forEach(setUp);
}

/** Of this release. */
export const { version } = manifest;
