import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReplaceableRecord } from '../../src/db/usage/usage-ledger.ts';
import { Decimal, sumDecimals } from '../../src/domain/decimal.ts';
import {
  planCorrections,
  unknownRecord,
  type Correction,
} from '../../src/ingestion/corrections.ts';
import { anyQty } from '../domain/_arbitraries.ts';

const OF = {
  tenantId: 'acme',
  deploymentId: 'acme-a',
  resourceKind: 'egress_gb',
  serviceMonth: '2026-05-01',
};

function correction(id: string, replaces: string, fields: Partial<Correction> = {}): Correction {
  return { ...OF, id, replaces, qty: '4', ...fields };
}

/** Stored records by id, as the ledger reads them. */
function stored(...records: Partial<ReplaceableRecord>[]): ReadonlyMap<string, ReplaceableRecord> {
  const all = records.map((fields) => ({
    ...OF,
    id: 'first',
    qty: '10.000',
    replacedBy: null,
    isExcluded: false,
    ...fields,
  }));
  return new Map(all.map((record) => [record.id, record]));
}

const ids = (corrections: readonly { readonly id: string }[]) => corrections.map(({ id }) => id);

describe('a correction', () => {
  test('adds its difference to the replaced record, which may be negative', () => {
    const { ready, waiting, refused } = planCorrections(
      [correction('less', 'first'), correction('more', 'second', { qty: '12.5' })],
      stored({}, { id: 'second' }),
    );
    expect(ready).toEqual([
      { ...correction('less', 'first'), addedQty: '-6' },
      { ...correction('more', 'second', { qty: '12.5' }), addedQty: '2.5' },
    ]);
    expect({ waiting, refused }).toEqual({ waiting: [], refused: [] });
  });

  test('of a record that is not stored waits, because it may be inserted now', () => {
    expect(planCorrections([correction('late', 'nothing')], stored())).toEqual({
      ready: [],
      waiting: [correction('late', 'nothing')],
      refused: [],
    });
  });

  test('waits while another one replaces the record', () => {
    const plan = planCorrections([correction('a', 'first'), correction('b', 'first')], stored({}));
    expect(ids(plan.ready)).toEqual(['a']);
    expect(ids(plan.waiting)).toEqual(['b']);
  });

  test('of a replaced record is rejected, naming the one to replace instead', () => {
    const plan = planCorrections([correction('b', 'first')], stored({ replacedBy: 'a' }));
    expect(plan).toEqual({
      ready: [],
      waiting: [],
      refused: [
        {
          id: 'b',
          reason: 'replaces: record "first" has been replaced by "a" already; replace that one',
        },
      ],
    });
  });

  test('that was just stored is not rejected because of itself', () => {
    const plan = planCorrections([correction('a', 'first')], stored({ replacedBy: 'a' }));
    expect(ids(plan.ready)).toEqual(['a']);
  });

  test.each([
    ['tenant', { tenantId: 'zeta' }],
    ['deployment', { deploymentId: 'acme-b' }],
    ['resource kind', { resourceKind: 'snapshot' }],
    ['month', { serviceMonth: '2026-06-01' }],
  ])('cannot move usage to another %s, and says what to do', (_what, fields) => {
    const plan = planCorrections([correction('b', 'first', fields)], stored({}));
    expect(plan).toMatchObject({ ready: [], waiting: [], refused: [{ id: 'b' }] });
    expect(plan.refused[0]?.reason).toBe(
      'replaces: record "first" belongs to deployment acme-a, resource kind "egress_gb", month 2026-05, ' +
        'and usage can\'t be moved: replace that record by qty "0" there, and send a new record here',
    );
  });

  test('of an excluded record is rejected', () => {
    const plan = planCorrections([correction('b', 'first')], stored({ isExcluded: true }));
    expect(plan).toMatchObject({ ready: [], waiting: [] });
    expect(plan.refused).toEqual([
      {
        id: 'b',
        reason:
          'replaces: record "first" was excluded from billing by an operator, and counts for ' +
          'nothing: send a new record instead of a correction',
      },
    ]);
  });

  test('that is rejected leaves the record to others', () => {
    const plan = planCorrections(
      [correction('a', 'first', { resourceKind: 'snapshot' }), correction('b', 'first')],
      stored({}),
    );
    expect(ids(plan.ready)).toEqual(['b']);
  });

  test('of itself is rejected', () => {
    const plan = planCorrections([correction('a', 'a'), correction('b', 'first')], stored({}));
    expect(plan.refused).toEqual([{ id: 'a', reason: 'replaces: a record cannot replace itself' }]);
    expect(ids(plan.ready)).toEqual(['b']);
  });

  test('of an unknown record names it and says what to do', () => {
    expect(unknownRecord('re"c')).toBe(
      'replaces: there is no record "re\\"c" yet: send this correction again once that record is accepted',
    );
  });
});

/** Records of one bucket: the first is plain, every other one replaces an earlier one. */
const anyHistory = fc
  .array(fc.tuple(anyQty, fc.nat()), { minLength: 1, maxLength: 8 })
  .map((records) =>
    records.map(([qty, pick], index) => ({
      id: `r${index}`,
      qty,
      replaces: index === 0 ? null : `r${pick % index}`,
    })),
  );

test('after all waves the bucket has the sum of the records that are not replaced', () => {
  fc.assert(
    fc.property(
      anyHistory.chain((history) =>
        fc.tuple(fc.constant(history), fc.shuffledSubarray(history, { minLength: history.length })),
      ),
      ([history, sent]) => {
        const first = history[0]!;
        const ledger = new Map(stored({ ...first, id: first.id }));
        const added = [new Decimal(first.qty)];
        const refused: string[] = [];
        let waiting = sent
          .filter(({ replaces }) => replaces !== null)
          .map(({ id, qty, replaces }) => correction(id, replaces!, { qty }));

        while (waiting.length > 0) {
          const plan = planCorrections(waiting, ledger);
          expect([...ids(plan.ready), ...ids(plan.waiting), ...ids(plan.refused)].sort()).toEqual(
            ids(waiting).sort(),
          );
          refused.push(...ids(plan.refused));
          if (plan.ready.length === 0) {
            refused.push(...ids(plan.waiting));
            break;
          }
          for (const { id, qty, replaces, addedQty } of plan.ready) {
            added.push(new Decimal(addedQty));
            ledger.set(replaces, { ...ledger.get(replaces)!, replacedBy: id });
            ledger.set(id, { ...OF, id, qty, replacedBy: null, isExcluded: false });
          }
          waiting = plan.waiting;
        }

        // Each is replaced at most once, so the last record of the chain remains.
        const live = [...ledger.values()].filter(({ replacedBy }) => replacedBy === null);
        expect(live).toHaveLength(1);
        expect(sumDecimals(added).equals(live[0]!.qty)).toBe(true);
        expect(ledger.size + refused.length).toBe(history.length);
      },
    ),
  );
});
