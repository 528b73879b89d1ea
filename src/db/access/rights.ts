/**
 * The rights of each role on each table: the documented matrix
 * (docs/operations/install-and-configure.md#roles). Migrations grant exactly these rights, which
 * test/db/roles.test.ts verifies. `cli doctor` reports rights that a database has beyond them: a right that
 * isn't listed here is excess.
 */

/** The roles that have rights. `arcadia_app` also has those of the API and the worker, as a member of both. */
export const ROLES = [
  'arcadia_api',
  'arcadia_worker',
  'arcadia_app',
  'arcadia_readonly',
  'arcadia_tenant',
] as const;
export type RoleName = (typeof ROLES)[number];

export const VERBS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] as const;
export type Verb = (typeof VERBS)[number];

/** The columns that a right covers; `*`: the whole table, including columns that are added later. */
export type Columns = '*' | readonly string[];

export type TableRights = Readonly<Partial<Record<Verb, Columns>>>;
export type RoleRights = Readonly<Partial<Record<RoleName, TableRights>>>;

const READ: TableRights = { SELECT: '*' };
const READ_AND_INSERT: TableRights = { SELECT: '*', INSERT: '*' };
const INSERT_ONLY: TableRights = { INSERT: '*' };
/** The worker delivers webhook events; the API schedules redeliveries. */
const DELIVERING: TableRights = {
  SELECT: '*',
  INSERT: ['event_id', 'endpoint_id'],
  UPDATE: ['state', 'attempts', 'next_attempt_at', 'settled_at'],
};
/** The API and the worker write webhook events. */
const TELLING: TableRights = { SELECT: '*', INSERT: ['type', 'tenant_id', 'data'] };

const REMEMBERING = { SELECT: '*', INSERT: ['period_start', 'request_id'] } as const;
/** Operators release through the API and by signal; the worker also releases what it issues. */
const RELEASING: TableRights = {
  SELECT: '*',
  INSERT: ['tenant_id', 'period_start', 'actor', 'reason', 'request_id'],
};

/** An action is inserted complete and gets its outcome once. The database sets its timestamps. */
const RECORDING: TableRights = {
  INSERT: [
    'actor',
    'key_id',
    'channel',
    'action',
    'target',
    'input',
    'input_sha256',
    'input_bytes',
    'request_id',
    'month_request',
    'tenant_ids',
    'all_tenants',
    'reason',
  ],
  UPDATE: ['outcome', 'status', 'detail'],
};

/** A tenant's quote is taxed as its invoices are. */
const TAX_DATA: RoleRights = {
  arcadia_api: READ_AND_INSERT,
  arcadia_worker: READ,
  arcadia_readonly: READ,
  arcadia_tenant: READ,
};

// Columns that the API inserts and tenants see.
const PAYMENT_COLUMNS = [
  'payment_id',
  'tenant_id',
  'period_start',
  'invoice_id',
  'amount_cents',
  'received_on',
  'method',
  'reference',
] as const;
// Columns of thresholds and of notices of them.
const THRESHOLD_COLUMNS = ['tenant_id', 'threshold_id', 'amount_cents', 'percent_of_plan'] as const;
/** The API and tenants' keys set and remove thresholds. */
const SETTING_THRESHOLDS: TableRights = {
  INSERT: [...THRESHOLD_COLUMNS, 'set_by'],
  UPDATE: ['removed_by', 'removed_at'],
};
const BUCKET_KEY = [
  'source',
  'tenant_id',
  'deployment_id',
  'resource_kind',
  'service_month',
  'model',
] as const;
const BUCKET_COLUMNS = [...BUCKET_KEY, 'event_count', 'total'] as const;
const EXCLUSION_COLUMNS = ['source', 'event_id', 'tenant_id', 'bucket_id', 'amount'] as const;

/** Rights by table and role. */
export const RIGHTS: Readonly<Record<string, RoleRights>> = {
  billing_settings: {
    arcadia_api: { SELECT: '*', UPDATE: ['fixed_at'] },
    arcadia_worker: { SELECT: '*', UPDATE: ['fixed_at'] },
    arcadia_app: { UPDATE: ['time_zone'] },
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  billing_months: {
    arcadia_api: READ,
    arcadia_worker: READ,
    arcadia_app: { UPDATE: ['starts_at', 'ends_at'] },
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  tenants: {
    arcadia_api: {
      SELECT: '*',
      INSERT: ['tenant_id', 'name', 'currency'],
      // Numbers of adjustment notes: credits are given through the API.
      UPDATE: ['name', 'last_note_seq'],
    },
    arcadia_worker: { SELECT: '*', UPDATE: ['last_invoice_seq', 'last_note_seq'] },
    arcadia_readonly: READ,
    arcadia_tenant: { SELECT: ['tenant_id', 'currency'] },
  },
  seller_details: {
    arcadia_api: READ_AND_INSERT,
    arcadia_worker: READ,
    arcadia_readonly: READ,
    arcadia_tenant: {
      SELECT: [
        'version',
        'legal_name',
        'trading_name',
        'abn',
        'address',
        'email',
        'payment_terms',
        'payment_details',
      ],
    },
  },
  buyer_details: {
    arcadia_api: READ_AND_INSERT,
    arcadia_worker: READ,
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  tax_treatments: TAX_DATA,
  tenant_tax_treatments: TAX_DATA,
  gst_registrations: TAX_DATA,
  exchange_rates: TAX_DATA,
  units: {
    arcadia_api: READ_AND_INSERT,
    arcadia_worker: READ,
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  plans: { arcadia_api: READ_AND_INSERT, arcadia_readonly: READ, arcadia_tenant: READ },
  plan_versions: {
    arcadia_api: READ_AND_INSERT,
    arcadia_worker: READ,
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  plan_items: {
    arcadia_api: READ_AND_INSERT,
    arcadia_worker: READ,
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  addons: {
    arcadia_api: {
      ...READ_AND_INSERT,
      UPDATE: ['name', 'resource_kind', 'qty', 'price_cents', 'updated_at'],
    },
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  deployments: { arcadia_api: READ_AND_INSERT, arcadia_worker: READ, arcadia_readonly: READ },
  subscriptions: {
    arcadia_api: { ...READ_AND_INSERT, UPDATE: ['plan_version_id', 'starts_at', 'ends_at'] },
    arcadia_worker: READ,
    arcadia_readonly: READ,
    arcadia_tenant: {
      SELECT: [
        'subscription_id',
        'tenant_id',
        'deployment_id',
        'plan_version_id',
        'starts_at',
        'ends_at',
      ],
    },
  },
  subscription_addons: {
    arcadia_api: { ...READ_AND_INSERT, UPDATE: ['ends_at', 'allow_repeated'] },
    arcadia_worker: READ,
    arcadia_readonly: READ,
    arcadia_tenant: {
      SELECT: [
        'subscription_id',
        'position',
        'addon_code',
        'name',
        'resource_kind',
        'qty',
        'price_cents',
        'starts_at',
        'ends_at',
      ],
    },
  },
  releases: {
    arcadia_api: RELEASING,
    arcadia_worker: RELEASING,
    arcadia_readonly: READ,
    arcadia_tenant: { SELECT: ['tenant_id', 'period_start', 'released_on', 'released_at'] },
  },
  release_requests: {
    arcadia_api: REMEMBERING,
    arcadia_worker: REMEMBERING,
    arcadia_readonly: READ,
  },
  invoice_drafts: {
    arcadia_api: {
      SELECT: '*',
      INSERT: [
        'tenant_id',
        'period_start',
        'state',
        'owner',
        'owner_started_at',
        'replaces_invoice_id',
        'closed_at',
      ],
    },
    arcadia_worker: { ...READ_AND_INSERT, UPDATE: ['state', 'closed_at', 'reason'] },
    arcadia_readonly: READ,
    arcadia_tenant: { SELECT: ['draft_id', 'tenant_id', 'period_start', 'state', 'opened_at'] },
  },
  invoice_draft_chunks: {
    arcadia_worker: { ...READ_AND_INSERT, DELETE: '*' },
    arcadia_readonly: READ,
  },
  invoices: {
    arcadia_api: { ...READ_AND_INSERT, UPDATE: ['status'] },
    arcadia_worker: { ...READ_AND_INSERT, UPDATE: ['status', 'superseded_by', 'superseded_at'] },
    arcadia_readonly: READ,
    arcadia_tenant: {
      SELECT: [
        'invoice_id',
        'kind',
        'tenant_id',
        'period_start',
        'period_end',
        'revision',
        'status',
        'number',
        'currency',
        'subtotal_cents',
        'taxable_cents',
        'tax_cents',
        'total_cents',
        'tax_treatment',
        'tax_label',
        'tax_rate',
        'tax_note',
        'seller_registered',
        'aud_rate',
        'aud_rate_source',
        'tax_aud_cents',
        'issued_at',
        'issued_on',
        'payment_days',
        'adjusts_invoice_id',
        'note_origin',
        'note_reason',
        'replaces_invoice_id',
        'superseded_by',
        'superseded_at',
        'buyer_name',
        'buyer_version',
        'seller_version',
      ],
    },
  },
  skipped_invoice_numbers: {
    arcadia_api: READ,
    arcadia_app: { INSERT: ['tenant_id', 'kind', 'first_seq', 'last_seq', 'actor', 'reason'] },
    arcadia_readonly: READ,
  },
  invoice_lines: {
    arcadia_api: READ_AND_INSERT,
    arcadia_worker: READ_AND_INSERT,
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  invoice_compositions: {
    arcadia_api: READ,
    arcadia_worker: READ_AND_INSERT,
    arcadia_readonly: READ,
  },
  invoice_line_changes: {
    arcadia_api: READ,
    arcadia_worker: INSERT_ONLY,
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  invoice_usage: {
    arcadia_api: READ,
    arcadia_worker: READ_AND_INSERT,
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  invoice_exclusions: {
    arcadia_api: READ,
    arcadia_worker: READ_AND_INSERT,
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  invoice_items: {
    arcadia_api: {
      SELECT: '*',
      INSERT: [
        'item_id',
        'tenant_id',
        'period_start',
        'description',
        'amount_cents',
        'taxable',
        'actor',
      ],
      UPDATE: ['withdrawn_at', 'withdrawn_by', 'withdraw_reason'],
    },
    arcadia_worker: { SELECT: '*', UPDATE: ['applied_cents'] },
    arcadia_readonly: READ,
    arcadia_tenant: {
      SELECT: [
        'item_id',
        'item_seq',
        'tenant_id',
        'period_start',
        'description',
        'amount_cents',
        'taxable',
        'applied_cents',
        'withdrawn_at',
      ],
    },
  },
  invoice_status_changes: { arcadia_api: READ_AND_INSERT, arcadia_readonly: READ },
  invoice_digests: {
    arcadia_api: READ_AND_INSERT,
    arcadia_worker: INSERT_ONLY,
    arcadia_readonly: READ,
  },
  payments: {
    arcadia_api: {
      SELECT: '*',
      INSERT: [...PAYMENT_COLUMNS, 'actor'],
    },
    arcadia_worker: READ,
    arcadia_readonly: READ,
    arcadia_tenant: { SELECT: [...PAYMENT_COLUMNS, 'recorded_at'] },
  },
  invoice_balances: {
    arcadia_api: READ,
    arcadia_worker: READ,
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  overdue_notices: {
    arcadia_api: READ,
    arcadia_worker: { SELECT: '*', INSERT: ['invoice_id', 'due_on'] },
    arcadia_readonly: READ,
  },
  book_exports: {
    arcadia_api: READ,
    arcadia_app: { INSERT: ['export_id', 'period_start', 'seller_version', 'actor'] },
    arcadia_readonly: READ,
  },
  book_export_documents: {
    arcadia_api: READ,
    arcadia_app: { INSERT: ['invoice_id', 'entry', 'export_id'] },
    arcadia_readonly: READ,
  },
  book_exports_written: {
    arcadia_api: READ,
    arcadia_app: { INSERT: ['export_id'] },
    arcadia_readonly: READ,
  },
  usage_buckets: {
    arcadia_api: {
      SELECT: '*',
      INSERT: BUCKET_COLUMNS,
      UPDATE: ['event_count', 'total'],
    },
    // Seals buckets, and opens empty ones for held usage.
    arcadia_worker: { SELECT: '*', INSERT: BUCKET_KEY, UPDATE: ['sealed_for'] },
    arcadia_readonly: READ,
    arcadia_tenant: { SELECT: ['bucket_id', ...BUCKET_COLUMNS, 'sealed_for'] },
  },
  llm_usage_events: {
    arcadia_api: READ_AND_INSERT,
    arcadia_worker: { SELECT: ['gateway_request_id', 'content_hash'] },
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  quarantined_events: {
    arcadia_api: {
      SELECT: '*',
      INSERT: [
        'source_id',
        'content_hash',
        'gateway_key_id',
        'reason',
        'detail',
        'fields',
        'tenant_id',
        'deployment_id',
        'model',
        'occurred_at',
        'charge_cents',
        'currency',
      ],
      UPDATE: ['reason', 'detail', 'state', 'assigned', 'actor', 'decision_reason', 'decided_at'],
    },
    // Releases events through `store_held_usage` and `end_quarantine`, which run with their owner's rights.
    arcadia_worker: { SELECT: '*', UPDATE: ['reason', 'detail'] },
    arcadia_readonly: READ,
  },
  metered_usage_records: {
    arcadia_api: READ_AND_INSERT,
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  llm_usage_archive: { arcadia_api: READ, arcadia_readonly: READ, arcadia_tenant: READ },
  metered_usage_archive: { arcadia_api: READ, arcadia_readonly: READ, arcadia_tenant: READ },
  archived_usage_ids: { arcadia_api: READ, arcadia_worker: READ, arcadia_readonly: READ },
  usage_archives: {
    arcadia_api: READ,
    arcadia_worker: READ,
    arcadia_readonly: READ,
    arcadia_tenant: { SELECT: ['service_month', 'source', 'expired_at'] },
  },
  control_totals: {
    arcadia_api: {
      SELECT: '*',
      INSERT: [
        'tenant_id',
        'deployment_id',
        'day',
        'revision',
        'requests',
        'charge_cents',
        'actor',
      ],
    },
    arcadia_worker: READ,
    arcadia_readonly: READ,
  },
  control_total_acceptances: {
    arcadia_api: {
      SELECT: '*',
      INSERT: [
        'tenant_id',
        'deployment_id',
        'day',
        'revision',
        'ledger_requests',
        'ledger_charge_cents',
        'actor',
        'reason',
      ],
    },
    arcadia_worker: READ,
    arcadia_readonly: READ,
  },
  usage_exclusions: {
    arcadia_api: {
      SELECT: '*',
      INSERT: [...EXCLUSION_COLUMNS, 'actor', 'reason'],
    },
    arcadia_worker: { SELECT: '*', UPDATE: ['applied_to'] },
    arcadia_readonly: READ,
    arcadia_tenant: { SELECT: ['exclusion_id', ...EXCLUSION_COLUMNS] },
  },
  month_end_requests: {
    arcadia_api: READ,
    arcadia_worker: {
      ...READ_AND_INSERT,
      UPDATE: ['state', 'manifest', 'started_at', 'finished_at'],
    },
    arcadia_readonly: READ,
  },
  month_end_request_tenants: {
    arcadia_api: READ,
    arcadia_worker: {
      ...READ_AND_INSERT,
      UPDATE: ['outcome', 'draft_id', 'invoice_id', 'reason'],
    },
    arcadia_readonly: READ,
  },
  tenant_outcomes: {
    arcadia_api: READ,
    arcadia_worker: {
      ...READ_AND_INSERT,
      UPDATE: ['outcome', 'invoice_id', 'reason_type', 'reason', 'recorded_at'],
    },
    arcadia_readonly: READ,
  },
  api_keys: {
    arcadia_api: { SELECT: '*', UPDATE: ['last_used_at'] },
    arcadia_app: { INSERT: '*', UPDATE: ['expires_at', 'revoked_at'] },
    arcadia_readonly: {
      SELECT: [
        'key_id',
        'scope',
        'tenant_id',
        'currency',
        'label',
        'created_at',
        'revoked_at',
        'expires_at',
        'last_used_at',
        'replaces_key_id',
      ],
    },
  },
  api_notices: {
    arcadia_api: { SELECT: '*', INSERT: '*', UPDATE: ['noticed_at'] },
    arcadia_readonly: READ,
  },
  signing_secrets: {
    arcadia_api: READ,
    arcadia_app: { INSERT: '*', UPDATE: ['revoked_at'] },
  },
  operator_actions: {
    arcadia_api: { ...RECORDING, SELECT: '*' },
    arcadia_worker: {
      ...RECORDING,
      SELECT: [
        'action_id',
        'actor',
        'channel',
        'request_id',
        'month_request',
        'outcome',
        'input_sha256',
      ],
    },
    arcadia_readonly: READ,
  },
  webhook_endpoints: {
    arcadia_api: {
      SELECT: '*',
      INSERT: ['url', 'label', 'event_types'],
      UPDATE: ['disabled_at', 'disabled_reason'],
    },
    arcadia_worker: {
      SELECT: '*',
      UPDATE: ['delivered_attempts', 'failed_attempts', 'disabled_at', 'disabled_reason'],
    },
    arcadia_readonly: READ,
  },
  webhook_secrets: {
    arcadia_api: { SELECT: '*', INSERT: ['endpoint_id'], UPDATE: ['expires_at'] },
    arcadia_worker: READ,
  },
  webhook_events: {
    arcadia_api: TELLING,
    arcadia_worker: TELLING,
    arcadia_app: { DELETE: '*' },
    arcadia_readonly: READ,
  },
  webhook_deliveries: {
    arcadia_api: DELIVERING,
    arcadia_worker: DELIVERING,
    arcadia_readonly: READ,
  },
  webhook_attempts: {
    arcadia_api: READ,
    arcadia_worker: {
      SELECT: '*',
      INSERT: [
        'event_id',
        'endpoint_id',
        'attempt',
        'attempted_at',
        'duration_ms',
        'outcome',
        'status',
        'error',
        'response',
      ],
    },
    arcadia_readonly: READ,
  },
  spend_thresholds: {
    arcadia_api: { SELECT: '*', ...SETTING_THRESHOLDS },
    arcadia_worker: READ,
    arcadia_readonly: READ,
    // The only rows that a tenant's key writes.
    arcadia_tenant: {
      SELECT: [...THRESHOLD_COLUMNS, 'set_at', 'removed_at'],
      ...SETTING_THRESHOLDS,
    },
  },
  threshold_notices: {
    arcadia_api: READ,
    arcadia_worker: {
      SELECT: '*',
      INSERT: [...THRESHOLD_COLUMNS, 'period_start', 'threshold_cents', 'reached_cents'],
    },
    arcadia_readonly: READ,
    arcadia_tenant: READ,
  },
  schema_migrations: { arcadia_api: READ, arcadia_worker: READ, arcadia_readonly: READ },
};

/** A right that a role has in the database. */
export interface HeldRight {
  readonly table: string;
  readonly verb: Verb;
  readonly columns: Columns;
}

/** Returns the columns that these roles, taken together, may use a verb on. */
export function grantedTo(roles: readonly RoleName[], table: string, verb: Verb): Columns {
  const columns = roles.map((role) => RIGHTS[table]?.[role]?.[verb] ?? []);
  return columns.includes('*') ? '*' : [...new Set(columns.flat())].sort();
}

/**
 * Returns rights beyond those of the roles, such as `UPDATE (total_cents) on invoices`. Unknown tables are
 * ignored, because they may belong to a later version.
 */
export function excessRights(
  held: readonly HeldRight[],
  roles: readonly RoleName[],
): readonly string[] {
  return held.flatMap(({ table, verb, columns }) => {
    const granted = grantedTo(roles, table, verb);
    if (!Object.hasOwn(RIGHTS, table) || granted === '*') return [];
    if (columns === '*') return `${verb} on ${table}`;
    const excess = columns.filter((column) => !granted.includes(column));
    return excess.length === 0 ? [] : `${verb} (${excess.join(', ')}) on ${table}`;
  });
}
