import fc from 'fast-check';
import { sql } from '../../src/db/sql.ts';
import { command, deploymentOf, type LedgerCommand } from './command.ts';
import { DEPLOYMENT_COUNT, PLANS, type PlanName } from './fleet.ts';
import { handCommands } from './hand-commands.ts';
import { monthEndCommands } from './month-end-commands.ts';
import { usageCommands } from './usage-commands.ts';

/** The platform applies another plan, a bad one, or none. */
const changePlan = fc
  .tuple(
    fc.nat({ max: DEPLOYMENT_COUNT - 1 }),
    fc.constantFrom<PlanName | null>('small', 'large', 'small', 'large', null, 'foreign'),
  )
  .map(([index, plan]) =>
    command({
      text: `deployment ${index} is on ${plan === null ? 'no plan' : `the ${plan} plan`}`,
      async run(model, real) {
        const { id, subscriptionId } = deploymentOf(model, index);
        model.plans.set(id, plan);
        await real.world.db.query(sql.typeAlias('nothing')`
          UPDATE subscriptions SET plan_version_id = ${plan === null ? null : PLANS[plan].id}
          WHERE subscription_id = ${subscriptionId}`);
      },
    }),
  );

/** Makes the drafts that are still open count as forgotten. */
const timePasses = fc.constant(
  command({
    text: 'two days pass',
    check: ({ drafts }) => drafts.some(({ state }) => state === 'open'),
    async run(model, real) {
      for (const draft of model.drafts) if (draft.state === 'open') draft.isForgotten = true;
      await real.superuser.query(
        `UPDATE invoice_drafts SET opened_at = opened_at - interval '2 days'
         WHERE state = 'open' AND tenant_id = ANY($1)`,
        [model.fleet.tenants],
      );
    },
  }),
);

/** All that can happen to the ledger, each as often as it is there. */
export const anyCommand: readonly fc.Arbitrary<LedgerCommand>[] = [
  ...[...usageCommands, ...monthEndCommands, ...handCommands],
  ...[changePlan, timePasses],
];
