/** What the groups of operations are for; a group that isn't here is its name. */
export const TAGS: Readonly<Record<string, string>> = {
  Usage: 'Usage into the ledger, from the gateway and the metering pipeline; and out of billing.',
  Prices: 'What a plan would cost, by the same quote as the month end.',
  Invoices: 'Invoices, their lines, and the usage behind them.',
  'Month end': 'Closing a month, and looking at how it went.',
  Catalogue: 'Plans, their versions, and addons.',
  Subscriptions: 'Tenants, deployments, and what they are subscribed to.',
  Webhooks: 'Receivers of events, what was sent to them, and sending it again.',
  Keys: 'API keys, and the secrets that requests are signed with.',
  Audit: 'Who did what.',
  System: 'For probes, scrapers and readers.',
};
