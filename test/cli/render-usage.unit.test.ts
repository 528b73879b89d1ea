import { describe, expect, test } from 'vitest';
import { renderExclusion } from '../../src/cli/commands/usage-exclude-command.ts';
import { renderLineUsage } from '../../src/cli/commands/invoices-usage-command.ts';
import type { EventBehindLine, LineUsage } from '../../src/db/usage/provenance.ts';
import type { Exclusion } from '../../src/db/usage/usage-exclusions.ts';
import { counted } from '../../src/domain/format.ts';

test.each([
  [0, '0 events'],
  [1, '1 event'],
  ['1', '1 event'],
  ['1.5', '1.5 events'],
  [1234, '1,234 events'],
])('so many: %s', (count, text) => {
  expect(counted(count, 'event')).toBe(text);
});

describe('the events behind a line', () => {
  const usage: LineUsage = {
    invoice_id: '8bc9cc20-0000-4000-8000-000000000001',
    number: 'acme-000001',
    line_no: 2,
    description: 'LLM usage',
    currency: 'AUD',
    amount_cents: 43,
    source: 'llm',
    ...{ unit: 'cents', service_month: '2026-05', resource_name: null },
    events: 2,
    excluded_events: 0,
    exact_sum: '42.5',
    by_model: [
      { model: 'large', requests: 1, exact_cents: '30' },
      { model: null, requests: 1, exact_cents: '12.5' },
    ],
    digest: 'ab',
    expired_at: null,
  };
  const event: EventBehindLine = {
    event_id: 'e-1',
    occurred_at: '2026-05-03T00:00:00Z',
    received_at: '2026-05-03T00:00:00Z',
    model: 'large',
    input_tokens: 1,
    output_tokens: 1,
    qty: null,
    replaces: null,
    attributes: null,
    amount: '12.5',
    excluded: '0',
    is_excluded: false,
    content_hash: 'cd',
  };
  const show = (changes: Partial<LineUsage>) =>
    renderLineUsage({ ...usage, ...changes }, [event], 20).split('\n');

  test('of LLM usage are in the currency, and summed by model', () => {
    const [title, sum, , , models, large, others, , head, row] = show({});
    expect(title).toBe('acme-000001, line 2: LLM usage, AUD 0.43');
    expect(sum).toBe('2 events, exactly AUD 0.425');
    expect(models).toMatch(/^model +requests +AUD$/);
    expect(large).toMatch(/^large +1 +0\.30$/);
    expect(others).toMatch(/^all others +1 +0\.125$/);
    expect(head).toMatch(/^event +occurred at +AUD$/);
    expect(row).toMatch(/^e-1 .* 0\.125 {2}large$/);
  });
  test('metered are in what was metered', () => {
    const [, sum, , , head] = show({
      ...{ source: 'metered', unit: 'llm_tokens', exact_sum: '3000', by_model: null },
    });
    expect(sum).toBe('2 events, exactly 3,000 llm_tokens');
    expect(head).toMatch(/ amount$/);
  });
  test.each([
    [{ excluded_events: 1, events: 1 }, '1 event, exactly AUD 0.425; 1 more is excluded'],
    [{ excluded_events: 2 }, '2 events, exactly AUD 0.425; 2 more are excluded'],
    // Excluded records stay among those that are counted.
    [
      { excluded_events: 1, source: 'metered', unit: 'gb' } as const,
      '2 events, exactly 42.5 gb; 1 of them is excluded',
    ],
  ])('that are excluded: %j', (changes, text) => {
    expect(show(changes)[1]).toBe(text);
  });
});

describe('an exclusion', () => {
  const NEW = { isNew: true, isBeyondBounds: false };
  const exclusion: Exclusion = {
    source: 'llm',
    event_id: 'req-4711',
    tenant_id: 'acme',
    deployment_id: 'acme-a',
    resource_kind: 'llm_usage',
    service_month: '2026-05',
    amount: '7700',
    currency: 'AUD',
    actor: 'cli:ada',
    reason: "it's priced twice",
    excluded_at: '2026-06-02T08:00:00.000000Z',
    still_billed_on: null,
    still_billed_in: null,
  };

  test('says how much: money of LLM usage', () => {
    expect(renderExclusion(exclusion, NEW).split('\n')).toEqual([
      'llm event req-4711 of acme is excluded.',
      'Excluded from billing: AUD 77.00.',
      'No invoice bills this event.',
    ]);
  });
  test('and of metered usage what was metered', () => {
    const metered = {
      ...exclusion,
      source: 'metered',
      currency: null,
      resource_kind: 'llm_tokens',
    } as const;
    expect(renderExclusion(metered, NEW)).toContain('Excluded from billing: 7,700 llm_tokens.');
  });
  test('made before: the first reason stays', () => {
    expect(renderExclusion(exclusion, { ...NEW, isNew: false }).split('\n')[0]).toBe(
      'llm event req-4711 of acme was already excluded, at 2026-06-02T08:00:00.000000Z by cli:ada; ' +
        "the first reason stays: it's priced twice",
    );
  });
  test('that an invoice still bills: the whole command that fixes it', () => {
    const billed = { still_billed_on: 'acme-000001', still_billed_in: '2026-06' };
    expect(
      renderExclusion({ ...exclusion, ...billed }, NEW)
        .split('\n')
        .slice(2),
    ).toEqual([
      'Invoice acme-000001 still bills it. To correct that, run:',
      String.raw`  npm run cli -- month-end force 2026-06 --tenant acme --reason 'it'\''s priced twice'`,
    ]);
    const beyond = { ...NEW, isBeyondBounds: true };
    expect(renderExclusion({ ...exclusion, ...billed }, beyond)).toContain(
      'month-end force 2026-06 --tenant acme --accept-bounds --reason',
    );
  });
});
