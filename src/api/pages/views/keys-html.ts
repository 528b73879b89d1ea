import {
  KEY_STATES,
  SCOPES,
  type KeyState,
  type ListedApiKey,
} from '../../../db/access/api-keys.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { filterForm } from './filter-form.ts';
import { nextLink, table } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';
import { minute } from './page-format.ts';
import { tenantIdLink } from './places.ts';

export const KEYS_PATH = '/operator/keys';

type Key = ListedApiKey & { readonly state: KeyState };

export interface KeysView {
  readonly visitor: Visitor;
  readonly keys: readonly Key[];
  /** Empty texts filter nothing. */
  readonly filter: { readonly scope: string; readonly tenantId: string; readonly state: string };
  readonly nextHref: string | null;
}

/** Renders the list of API keys, with the commands that change them. */
export function keysPage({ visitor, keys, filter, nextHref }: KeysView): string {
  const isFiltered = Object.values(filter).some((value) => value !== '');
  const at = (instant: string) => minute(instant, visitor.timeZone);
  return layout({
    title: 'API keys',
    visitor,
    main: markup`<p>The keys themselves are not stored. Create, rotate and revoke them with the command line:</p>
<ul>
<li><code>npm run cli -- keys create --scope tenant --tenant TENANT --label "TEXT" --expires-in 365d</code></li>
<li><code>npm run cli -- keys rotate KEY_ID --overlap 7d</code></li>
<li><code>npm run cli -- keys revoke KEY_ID</code></li>
</ul>
${filterForm(KEYS_PATH, [
  {
    ...{ name: 'scope', label: 'Scope', value: filter.scope, any: 'Any scope' },
    choices: SCOPES.map((scope) => ({ value: scope, text: scope })),
  },
  { name: 'tenant_id', label: 'Tenant', value: filter.tenantId },
  {
    ...{ name: 'state', label: 'State', value: filter.state, any: 'Any state' },
    choices: KEY_STATES.map((state) => ({ value: state, text: state })),
  },
])}${table({
      caption: 'API keys, newest first',
      empty: isFiltered ? 'No keys match.' : 'There are no API keys.',
      rows: keys,
      columns: [
        {
          head: 'Label',
          isHead: true,
          cell: ({ label, keyId }) => markup`${label}<span class="sub id">${keyId}</span>`,
        },
        { head: 'Scope', cell: scopeCell },
        { head: 'State', cell: (key) => stateCell(key, at) },
        {
          head: 'Last used',
          cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'never' : at(lastUsedAt)),
        },
        {
          head: 'Expires',
          cell: ({ expiresAt }) => (expiresAt === null ? 'never' : at(expiresAt)),
        },
        { head: 'Created', cell: ({ createdAt }) => at(createdAt) },
      ],
    })}${nextLink(nextHref, 'Older keys')}`,
  });
}

function scopeCell({ scope, tenantId, currency }: Key): Markup {
  return markup`${scope}${tenantId === null ? '' : markup`<span class="sub">${tenantIdLink(tenantId)}</span>`}${currency === null ? '' : markup`<span class="sub">Costs in ${currency}</span>`}`;
}

const TONES = { live: 'good', expiring: 'busy', expired: 'plain', revoked: 'plain' } as const;

function stateCell(
  { state, revokedAt, replacesKeyId, replacedByKeyId, signingSecretIds }: Key,
  at: (instant: string) => string,
): Markup {
  const remarks = [
    revokedAt !== null && markup`On ${at(revokedAt)}`,
    replacedByKeyId !== null && markup`Replaced by <span class="id">${replacedByKeyId}</span>`,
    replacesKeyId !== null && markup`Replaces <span class="id">${replacesKeyId}</span>`,
    signingSecretIds.length > 0 && 'Requests must be signed',
  ].filter((remark) => remark !== false);
  return markup`${badge(TONES[state], state)}${remarks.map((remark) => markup`<span class="sub">${remark}</span>`)}`;
}
