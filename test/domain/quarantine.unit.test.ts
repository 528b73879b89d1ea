import { describe, expect, test } from 'vitest';
import {
  QUARANTINE_REASONS,
  remedyFor,
  type HeldFor,
  type QuarantineReason,
} from '../../src/domain/quarantine.ts';

const held = (held_for: QuarantineReason, fields: Partial<HeldFor> = {}): HeldFor => ({
  ...{ held_for, state: 'held', tenant_id: 'acme', deployment_id: 'acme-a', model: 'large-2' },
  ...fields,
});

/** What the remedy of each reason tells an operator to do, in parts of its text. */
const REMEDIES: Readonly<Record<QuarantineReason, readonly string[]>> = {
  unknown_tenant: [
    'Create tenant acme with deployment acme-a: ',
    'release it with the right ones.',
  ],
  unknown_deployment: [
    'Create deployment acme-a of tenant acme: ',
    'release it with the right ones.',
  ],
  wrong_currency: [
    'The currency of a tenant never changes',
    "release the event with the tenant's",
    'send the request again as LLM usage with the right charge',
    'bill the amount as an invoice item and dismiss the event.',
  ],
  malformed: ['Fix the sender. ', 'send the request again as LLM usage, and dismiss this one.'],
  conflict: ['Another event with this id was accepted', 'Then dismiss this one.'],
  unpriced_model: ['Set a price for model large-2 in the gateway', 'bill it as an invoice item'],
  too_old: ['Release it with a reason to bill it as late usage, or dismiss it.'],
  too_early: ["Check the sender's clock. "],
};

describe('the remedy of a held event', () => {
  test.each(QUARANTINE_REASONS)('says what to do: %s', (reason) => {
    const remedy = remedyFor(held(reason)) ?? '';
    const [start = '', ...parts] = REMEDIES[reason];
    expect(remedy.startsWith(start), remedy).toBe(true);
    for (const part of parts) expect(remedy).toContain(part);
  });

  test.each(['released', 'dismissed'] as const)('does not exist once it is %s', (state) => {
    expect(remedyFor(held('unknown_tenant', { state }))).toBeNull();
  });

  test('says so if the event names no tenant, deployment or model', () => {
    const none = { tenant_id: null, deployment_id: null, model: null };
    expect(remedyFor(held('unknown_tenant', none))).toContain(
      'tenant (none) with deployment (none)',
    );
    expect(remedyFor(held('unpriced_model', none))).toContain('model (none)');
  });
});
