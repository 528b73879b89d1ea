import fc from 'fast-check';
import { expectSameLedger } from './compare.ts';
import type { Deployment } from './fleet.ts';
import type { Model } from './model.ts';
import type { Real } from './real.ts';

/**
 * Something that can happen to the ledger. A command does the same to the model and to the product, and compares all
 * that both hold then. It names earlier events, invoices and runs by "the n-th last", so that a sequence still makes
 * sense when commands before it are removed.
 */
export type LedgerCommand = fc.AsyncCommand<Model, Real>;

interface Definition {
  readonly text: string;
  readonly check?: (model: Readonly<Model>) => boolean;
  readonly run: (model: Model, real: Real) => Promise<void>;
}

export function command({ text, check = () => true, run }: Definition): LedgerCommand {
  return {
    check,
    async run(model, real) {
      await run(model, real);
      await expectSameLedger(model, real);
    },
    toString: () => text,
  };
}

/** Returns the n-th last item, counting round again at the first. */
export function nthLast<T>(items: readonly T[], n: number): T {
  const item = items.at(-1 - (n % items.length));
  if (item === undefined) throw new Error('the command was not checked');
  return item;
}

/** Mostly the last one: something has just been done with it. */
export const nth = fc.oneof(fc.constant(0), fc.nat({ max: 7 }));
/** Much happens in the same month, so that there is something to happen to. */
export const month = fc.constantFrom(0, 0, 0, 0, 1, 1, 2);
export const tenantSets = fc.constantFrom([0], [0], [0], [1], [2], [0, 1, 2]);

export function tenantsOf({ fleet }: Model, indexes: readonly number[]): readonly string[] {
  return fleet.tenants.filter((_, index) => indexes.includes(index));
}

export function deploymentOf({ fleet }: Model, index: number): Deployment {
  const deployment = fleet.deployments[index];
  if (!deployment) throw new Error(`there is no deployment ${index}`);
  return deployment;
}

export const letters = (tenants: readonly number[]) =>
  tenants.map((index) => 'ABC'[index]).join('');
