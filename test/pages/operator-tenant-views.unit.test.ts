import { describe, expect, test } from 'vitest';
import { whatToDo } from '../../src/api/pages/views/parked-html.ts';
import { searchPage } from '../../src/api/pages/views/search-html.ts';
import { subscriptionsTable } from '../../src/api/pages/views/subscriptions-html.ts';
import { activityLive, activitySection } from '../../src/api/pages/views/tenant-activity-html.ts';
import {
  tenantOverviewPage,
  type TenantOverview,
} from '../../src/api/pages/views/tenant-overview-html.ts';
import { tenantsPage } from '../../src/api/pages/views/tenants-html.ts';
import type { TenantActivity } from '../../src/api/pages/tenant-activity.ts';
import type { SubscriptionView } from '../../src/db/catalogue/subscription-views.ts';
import type { TenantRow } from '../../src/db/invoices/tenant-list.ts';
import { ATTACK, HARMLESS, OPERATOR } from './_views.ts';

const AT = new Date('2026-05-16T12:00:00Z');
const NONE = { entries: [], hasMore: false };
const NOTHING: TenantOverview = {
  tenant: { tenant_id: 'acme', name: 'Acme', currency: 'AUD' },
  ...{ balances: [], parked: [], quarantined: [], thresholds: [], tax: [] },
  ...{ subscriptions: NONE, endedSubscriptions: NONE, invoices: NONE, notes: NONE },
  ...{ payments: NONE, items: NONE, buyers: NONE, deadDeliveries: 0, keys: 0 },
};
const COMPUTING: TenantActivity = { state: 'computing' };
const overview = (changes: Partial<TenantOverview> = {}, activity = COMPUTING) =>
  tenantOverviewPage({ ...NOTHING, ...changes, visitor: OPERATOR, activity, at: AT });

const ROW: TenantRow = {
  ...{ tenant_id: 'acme', name: 'Acme', currency: 'AUD', subscriptions: 1, parked_months: [] },
  ...{ last_invoice: null, balance: null },
};
const SUBSCRIPTION: SubscriptionView = {
  ...{ subscription_id: 'acme-1', tenant_id: 'acme', deployment_id: 'acme-web', status: 'active' },
  ...{ plan: { code: 'studio', version: 2 }, addons: [] },
  ...{ starts_at: '2026-05-20T00:00:00Z', ends_at: null },
};
const subscriptions = (changes: Partial<SubscriptionView>, timeZone = 'UTC') =>
  subscriptionsTable({
    ...{ caption: 'All', empty: '', currency: 'AUD', at: AT },
    visitor: { ...OPERATOR, timeZone },
    subscriptions: [{ ...SUBSCRIPTION, ...changes }],
  }).text.replaceAll('\u00a0', ' ');

describe('what others have typed stays text', () => {
  const found = {
    ...{ tenants: [], moreTenantsHref: null, documents: [] },
    hasMoreDocuments: false,
  };
  test.each([
    ["a tenant's name", overview({ tenant: { ...NOTHING.tenant, name: ATTACK } })],
    [
      'a reason',
      overview({
        parked: [
          {
            ...{ month: '2026-04', reason_type: 'failed', reason: ATTACK },
            recorded_at: '2026-05-01T06:00:00Z',
          },
        ],
      }),
    ],
    [
      'a legal name',
      overview({
        buyers: {
          entries: [
            {
              ...{ version: 1, recorded_at: '2026-05-01T06:00:00Z', legal_name: ATTACK },
              ...{ abn: null, address: null, contact: null, email: null },
            },
          ],
          hasMore: false,
        },
      }),
    ],
    ['a name in the list', tenantsPage(listOf({ name: ATTACK }))],
    ['a filter', tenantsPage({ ...listOf({}), filter: { search: ATTACK, state: '' } })],
    ['a search', searchPage({ ...found, visitor: OPERATOR, search: ATTACK })],
    ['an addon', subscriptions({ addons: [addon({ name: ATTACK })] })],
  ])('%s', (_what, html) => {
    expect(html).toContain(HARMLESS);
    expect(html).not.toContain(ATTACK);
  });
});

function listOf(changes: Partial<TenantRow>): Parameters<typeof tenantsPage>[0] {
  const tenants = [{ ...ROW, ...changes }];
  return { visitor: OPERATOR, tenants, filter: { search: '', state: '' }, nextHref: null };
}

function addon(changes: object): SubscriptionView['addons'][number] {
  return {
    ...{ code: 'storage_50gb', name: null, resource_kind: 'spaces_gb_month', qty: '50' },
    ...{ price_cents: 750, ends_at: null, allow_repeated: false },
    ...{ starts_at: '2026-05-20T00:00:00Z', ...changes },
  };
}

describe('a subscription', () => {
  test.each([
    ['that has not begun', {}, 'UTC', 'starts later</span><span class="sub">from 20 May 2026<'],
    [
      'without a start',
      { starts_at: null },
      'UTC',
      'not started</span><span class="sub">no start date<',
    ],
    [
      'that ends at midnight, by its last day',
      { starts_at: '2026-05-01T00:00:00Z', ends_at: '2026-06-01T00:00:00Z' },
      'UTC',
      'in force</span><span class="sub">1 May 2026 to 31 May 2026<',
    ],
    [
      'that has ended within a day, to the minute',
      { starts_at: '2026-05-01T00:00:00Z', ends_at: '2026-05-16T12:00:00Z' },
      'UTC',
      'ended</span><span class="sub">1 May 2026 to 2026-05-16 12:00 UTC<',
    ],
    [
      'by days of the billing time zone',
      { starts_at: '2026-04-30T14:00:00Z', ends_at: '2026-05-31T14:00:00Z' },
      'Australia/Sydney',
      '1 May 2026 to 31 May 2026<',
    ],
  ])('%s', (_which, changes, timeZone, expected) => {
    expect(subscriptions(changes, timeZone)).toContain(expected);
  });

  test('says that it has no plan, and what its addons cost', () => {
    expect(subscriptions({ plan: null })).toContain('no plan');
    expect(subscriptions({ addons: [addon({})] })).toMatch(
      /Storage 50 GB, AUD 7\.50 a month.*50 Spaces GB month; from 20 May 2026/,
    );
  });
});

describe('the page of a tenant', () => {
  test('has no list of needs if nothing is wrong', () => {
    expect(overview()).not.toContain('needs-you');
  });

  test('refreshes until the usage is there', () => {
    expect(overview()).toContain('data-live="/operator/tenants/acme/live"');
    for (const state of ['failed', 'computing'] as const) {
      const view = { visitor: OPERATOR, tenantId: 'acme', activity: { state }, thresholds: [] };
      const isEnded = state === 'failed';
      expect(activityLive(view).text.includes('data-ended'), state).toBe(isEnded);
      expect(activitySection(view).text.includes('data-live'), state).toBe(!isEnded);
    }
  });

  test('counts in singular and plural', () => {
    expect(overview({ keys: 1 })).toContain('1 API key of its own');
    expect(overview({ keys: 2, deadDeliveries: 1 })).toMatch(
      /1 webhook event<.*2 API keys of its own/s,
    );
  });

  test('links to all of a list only if there are more', () => {
    expect(overview()).not.toContain('All payments');
    expect(overview({ payments: { entries: [], hasMore: true } })).toContain(
      '<a href="/operator/tenants/acme/payments">All payments</a>',
    );
  });
});

test('advice for operators shows commands as code', () => {
  const advice = whatToDo('2026-05', { tenant_id: 'acme', reason_type: 'out_of_bounds' });
  expect(advice.text).toContain('(<code>month-end force --accept-bounds</code>)');
  expect(advice.text).not.toContain('`');
});
