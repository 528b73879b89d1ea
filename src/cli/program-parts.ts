import type { Command } from 'commander';

/**
 * A part of the program. Its modules are loaded only when it is used, or described in full: all of them take a second,
 * most of it for the clients of PostgreSQL and Temporal.
 */
export type ProgramPart = {
  readonly name: string;
  readonly description: string;
} & (
  | { readonly command: () => Promise<Command> }
  | { readonly commands: () => Promise<readonly Command[]> }
);

/** All commands, in the order of the help. */
export const PROGRAM_PARTS: readonly ProgramPart[] = [
  {
    name: 'migrate',
    description: 'apply missing database migrations',
    command: () => import('./commands/migrate-command.ts').then((m) => m.migrateCommand()),
  },
  {
    name: 'doctor',
    description: 'check that everything is set up and that last month is closed',
    command: () => import('./commands/doctor-command.ts').then((m) => m.doctorCommand()),
  },
  {
    name: 'settings',
    description: 'manage the settings of the installation',
    commands: () =>
      Promise.all([
        import('./commands/settings-commands.ts').then((m) => m.settingsShowCommand()),
        import('./commands/settings-commands.ts').then((m) => m.settingsSetCommand()),
      ]),
  },
  {
    name: 'catalogue',
    description: 'manage units, plans and addons',
    commands: () =>
      Promise.all([
        import('./commands/catalogue-apply-command.ts').then((m) => m.catalogueApplyCommand()),
      ]),
  },
  {
    name: 'plans',
    description: 'show plans and their prices',
    commands: () =>
      Promise.all([
        import('./commands/plans-commands.ts').then((m) => m.plansListCommand()),
        import('./commands/plans-commands.ts').then((m) => m.plansShowCommand()),
      ]),
  },
  {
    name: 'tenants',
    description: 'show tenants',
    commands: () =>
      Promise.all([
        import('./commands/tenants-commands.ts').then((m) => m.tenantsListCommand()),
        import('./commands/tenants-commands.ts').then((m) => m.tenantsShowCommand()),
      ]),
  },
  {
    name: 'subscriptions',
    description: 'show subscriptions, and import tenants and subscriptions',
    commands: () =>
      Promise.all([
        import('./commands/subscriptions-apply-command.ts').then((m) =>
          m.subscriptionsApplyCommand(),
        ),
        import('./commands/subscriptions-list-commands.ts').then((m) =>
          m.subscriptionsListCommand(),
        ),
        import('./commands/subscriptions-list-commands.ts').then((m) =>
          m.subscriptionsShowCommand(),
        ),
      ]),
  },
  {
    name: 'seller',
    description: 'manage the seller details on invoices',
    commands: () =>
      Promise.all([
        import('./commands/seller-commands.ts').then((m) => m.sellerApplyCommand()),
        import('./commands/seller-commands.ts').then((m) => m.sellerShowCommand()),
      ]),
  },
  {
    name: 'tax',
    description: 'manage tax treatments and the GST registration',
    commands: () =>
      Promise.all([
        import('./commands/tax-change-commands.ts').then((m) => m.taxApplyCommand()),
        import('./commands/tax-change-commands.ts').then((m) => m.taxAddCommand()),
        import('./commands/tax-change-commands.ts').then((m) => m.taxAssignCommand()),
        import('./commands/tax-change-commands.ts').then((m) => m.taxRegistrationCommand()),
        import('./commands/tax-list-commands.ts').then((m) => m.taxListCommand()),
        import('./commands/tax-list-commands.ts').then((m) => m.taxAssignmentsCommand()),
      ]),
  },
  {
    name: 'exchange-rates',
    description: 'manage the exchange rates of tax invoices',
    commands: () =>
      Promise.all([
        import('./commands/tax-change-commands.ts').then((m) => m.exchangeRatesAddCommand()),
        import('./commands/tax-list-commands.ts').then((m) => m.exchangeRatesListCommand()),
      ]),
  },
  {
    name: 'keys',
    description: 'manage API keys',
    commands: () =>
      Promise.all([
        import('./commands/keys-create-command.ts').then((m) => m.keysCreateCommand()),
        import('./commands/keys-rotate-command.ts').then((m) => m.keysRotateCommand()),
        import('./commands/keys-revoke-command.ts').then((m) => m.keysRevokeCommand()),
        import('./commands/keys-list-command.ts').then((m) => m.keysListCommand()),
        import('./commands/keys-signing-commands.ts').then((m) => m.keysSignCommand()),
        import('./commands/keys-signing-commands.ts').then((m) => m.keysUnsignCommand()),
      ]),
  },
  {
    name: 'schedule',
    description: 'manage the Schedule that closes each month',
    commands: () =>
      Promise.all([
        import('./commands/schedule-apply-command.ts').then((m) => m.scheduleApplyCommand()),
        import('./commands/schedule-control-commands.ts').then((m) => m.schedulePauseCommand()),
        import('./commands/schedule-control-commands.ts').then((m) => m.scheduleResumeCommand()),
        import('./commands/schedule-describe-command.ts').then((m) => m.scheduleDescribeCommand()),
        import('./commands/schedule-control-commands.ts').then((m) => m.scheduleTriggerCommand()),
        import('./commands/schedule-control-commands.ts').then((m) => m.scheduleBackfillCommand()),
      ]),
  },
  {
    name: 'month-end',
    description: 'close, check and correct a month',
    commands: () =>
      Promise.all([
        import('./commands/month-end-start-command.ts').then((m) => m.monthEndStartCommand()),
        import('./commands/month-end-status-command.ts').then((m) => m.monthEndStatusCommand()),
        import('./commands/month-end-force-command.ts').then((m) => m.monthEndForceCommand()),
        import('./commands/month-end-release-command.ts').then((m) => m.monthEndReleaseCommand()),
        import('./commands/month-end-preview-command.ts').then((m) => m.monthEndPreviewCommand()),
        import('./commands/month-end-late-usage-command.ts').then((m) =>
          m.monthEndLateUsageCommand(),
        ),
        import('./commands/month-end-verify-command.ts').then((m) => m.monthEndVerifyCommand()),
        import('./commands/month-end-export-command.ts').then((m) => m.monthEndExportCommand()),
      ]),
  },
  {
    name: 'invoices',
    description: 'show, compare, credit and void invoices',
    commands: () =>
      Promise.all([
        import('./commands/invoices-list-command.ts').then((m) => m.invoicesListCommand()),
        import('./commands/invoices-show-command.ts').then((m) => m.invoicesShowCommand()),
        import('./commands/invoices-diff-command.ts').then((m) => m.invoicesDiffCommand()),
        import('./commands/invoices-compare-command.ts').then((m) => m.invoicesCompareCommand()),
        import('./commands/invoices-usage-command.ts').then((m) => m.invoicesUsageCommand()),
        import('./commands/invoices-void-command.ts').then((m) => m.invoicesVoidCommand()),
        import('./commands/invoices-credit-command.ts').then((m) => m.invoicesCreditCommand()),
        import('./commands/invoices-check-list-command.ts').then((m) =>
          m.invoicesCheckListCommand(),
        ),
      ]),
  },
  {
    name: 'notes',
    description: 'show adjustment notes',
    commands: () =>
      Promise.all([
        import('./commands/notes-commands.ts').then((m) => m.notesListCommand()),
        import('./commands/notes-commands.ts').then((m) => m.notesShowCommand()),
      ]),
  },
  {
    name: 'payments',
    description: 'record payments, and show what is owed',
    commands: () =>
      Promise.all([
        import('./commands/payments-record-command.ts').then((m) => m.paymentsRecordCommand()),
        import('./commands/payments-import-command.ts').then((m) => m.paymentsImportCommand()),
        import('./commands/payments-list-commands.ts').then((m) => m.paymentsListCommand()),
        import('./commands/payments-list-commands.ts').then((m) => m.paymentsBalancesCommand()),
        import('./commands/payments-list-commands.ts').then((m) => m.paymentsAgingCommand()),
      ]),
  },
  {
    name: 'items',
    description: 'manage one-off charges and credits on invoices',
    commands: () =>
      Promise.all([
        import('./commands/items-record-commands.ts').then((m) => m.itemsAddCommand()),
        import('./commands/items-record-commands.ts').then((m) => m.itemsImportCommand()),
        import('./commands/items-list-command.ts').then((m) => m.itemsListCommand()),
        import('./commands/items-record-commands.ts').then((m) => m.itemsWithdrawCommand()),
      ]),
  },
  {
    name: 'usage',
    description: 'show, send, reconcile, exclude, archive and expire usage',
    commands: () =>
      Promise.all([
        import('./commands/usage-current-command.ts').then((m) => m.usageCurrentCommand()),
        import('./commands/usage-replay-command.ts').then((m) => m.usageReplayCommand()),
        import('./commands/usage-send-command.ts').then((m) => m.usageSendCommand()),
        import('./commands/usage-reconcile-command.ts').then((m) => m.usageReconcileCommand()),
        import('./commands/usage-exclude-command.ts').then((m) => m.usageExcludeCommand()),
        import('./commands/usage-exclusions-command.ts').then((m) => m.usageExclusionsCommand()),
        import('./commands/usage-archive-command.ts').then((m) => m.usageArchiveCommand()),
        import('./commands/usage-expire-command.ts').then((m) => m.usageExpireCommand()),
      ]),
  },
  {
    name: 'quarantine',
    description: 'show, release and dismiss usage that could not be accepted',
    commands: () =>
      Promise.all([
        import('./commands/quarantine-list-commands.ts').then((m) => m.quarantineListCommand()),
        import('./commands/quarantine-list-commands.ts').then((m) => m.quarantineShowCommand()),
        import('./commands/quarantine-decide-commands.ts').then((m) =>
          m.quarantineReleaseCommand(),
        ),
        import('./commands/quarantine-decide-commands.ts').then((m) =>
          m.quarantineDismissCommand(),
        ),
      ]),
  },
  {
    name: 'control-totals',
    description: "compare the gateway's totals with the ledger",
    commands: () =>
      Promise.all([
        import('./commands/control-totals-commands.ts').then((m) => m.controlTotalsListCommand()),
        import('./commands/control-totals-commands.ts').then((m) =>
          m.controlTotalsCompareCommand(),
        ),
        import('./commands/control-totals-commands.ts').then((m) => m.controlTotalsAcceptCommand()),
      ]),
  },
  {
    name: 'thresholds',
    description: 'manage spend thresholds of tenants',
    commands: () =>
      Promise.all([
        import('./commands/thresholds-commands.ts').then((m) => m.thresholdsSetCommand()),
        import('./commands/thresholds-commands.ts').then((m) => m.thresholdsRemoveCommand()),
        import('./commands/thresholds-commands.ts').then((m) => m.thresholdsListCommand()),
      ]),
  },
  {
    name: 'webhooks',
    description: 'manage webhooks',
    commands: () =>
      Promise.all([
        import('./commands/webhooks-endpoint-commands.ts').then((m) => m.webhooksAddCommand()),
        import('./commands/webhooks-endpoint-commands.ts').then((m) => m.webhooksListCommand()),
        import('./commands/webhooks-endpoint-commands.ts').then((m) => m.webhooksDisableCommand()),
        import('./commands/webhooks-rotate-secret-command.ts').then((m) =>
          m.webhooksRotateSecretCommand(),
        ),
        import('./commands/webhooks-log-commands.ts').then((m) => m.webhooksLogCommand()),
        import('./commands/webhooks-replay-command.ts').then((m) => m.webhooksReplayCommand()),
        import('./commands/webhooks-log-commands.ts').then((m) => m.webhooksPruneCommand()),
      ]),
  },
  {
    name: 'workers',
    description: 'manage worker builds',
    commands: () =>
      Promise.all([
        import('./commands/workers-promote-command.ts').then((m) => m.workersPromoteCommand()),
      ]),
  },
  {
    name: 'audit',
    description: 'show the audit trail',
    commands: () =>
      Promise.all([import('./commands/audit-list-command.ts').then((m) => m.auditListCommand())]),
  },
];
