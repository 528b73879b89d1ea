import { Command } from 'commander';
import {
  applySubscriptionsFile,
  type AppliedSubscriptions,
} from '../../catalogue/apply-subscriptions.ts';
import { formatProblem, formatPath } from '../../catalogue/apply-error.ts';
import { readEnvironment } from '../environment.ts';
import { describeInputFile, readInputFile } from '../read-input-file.ts';
import { operatorAction } from '../record-action.ts';
import { note, print, wantsJson } from '../output.ts';
import { renderTable } from '../render/text-table.ts';

export function subscriptionsApplyCommand(): Command {
  return new Command('apply')
    .description('import tenants, deployments and subscriptions from a JSON file')
    .argument('<file>', 'subscriptions file')
    .addHelpText(
      'after',
      `
Applies the whole file, or nothing if it has an error. Applying it again changes nothing. Anything that
the file doesn't name stays as it is. A change of plan ends one subscription and starts another; an addon
is attached with its current terms in the catalogue.

Example:
  npm run cli -- subscriptions apply demo/subscriptions.json`,
    )
    .action(async (path: string, _options, command: Command) => {
      const file = await readInputFile(path);
      const changes = await operatorAction(
        command,
        readEnvironment(process.env),
        (db) => applySubscriptionsFile(db, file),
        describeInputFile(file),
      );
      const counts = countChanges(changes);
      // With --json, the document has them.
      if (!wantsJson()) {
        for (const warning of changes.warnings) note(`warning: ${formatProblem(warning)}`);
      }
      const warnings = changes.warnings.map(({ path, message }) => ({
        at: formatPath(path),
        message,
      }));
      print(command, { changes: counts, warnings }, ({ changes }) =>
        renderTable(
          [
            { head: 'what', value: ({ what }) => what },
            { head: 'created', align: 'right', value: ({ created }) => created },
            { head: 'updated', align: 'right', value: ({ updated }) => updated },
          ],
          changes,
        ),
      );
    });
}

function countChanges(changes: AppliedSubscriptions) {
  return [
    {
      what: 'tenants',
      created: changes.newTenants.length,
      updated: changes.changedTenantIds.length,
    },
    { what: 'deployments', created: changes.newDeployments.length, updated: 0 },
    {
      what: 'subscriptions',
      created: changes.newSubscriptions.length,
      updated: changes.changedSubscriptions.length,
    },
    {
      what: 'subscription addons',
      created: changes.newAddons.length,
      updated: changes.changedAddons.length,
    },
    {
      what: 'tax treatments',
      created: changes.taxTreatments.created.length,
      updated: changes.taxTreatments.corrected.length,
    },
  ];
}
