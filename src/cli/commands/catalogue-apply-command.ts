import { Command } from 'commander';
import { applyCatalogueFile } from '../../catalogue/apply-catalogue.ts';
import type { CatalogueChanges } from '../../catalogue/catalogue-changes.ts';
import { readEnvironment } from '../environment.ts';
import { describeInputFile, readInputFile } from '../read-input-file.ts';
import { operatorAction } from '../record-action.ts';
import { print } from '../output.ts';
import { renderTable } from '../render/text-table.ts';

export function catalogueApplyCommand(): Command {
  return new Command('apply')
    .description('import units, plans and addons from a JSON file')
    .argument('<file>', 'catalogue file')
    .addHelpText(
      'after',
      `
Applies the whole file, or nothing if it has an error. Plan versions and units are immutable: to change
a plan, add its next version. An addon may change; existing subscriptions keep its previous terms.

Example:
  npm run cli -- catalogue apply demo/catalogue.json`,
    )
    .action(async (path: string, _options, command: Command) => {
      const file = await readInputFile(path);
      const changes = await operatorAction(
        command,
        readEnvironment(process.env),
        (db) => applyCatalogueFile(db, file),
        describeInputFile(file),
      );
      const rows = listChanges(changes);
      print(command, rows, (rows) =>
        renderTable(
          [
            { head: 'what', value: ({ what }) => what },
            { head: 'id', value: ({ id }) => id },
            { head: 'change', value: ({ change }) => change },
          ],
          rows,
          'The file has no units, plans or addons.',
        ),
      );
    });
}

function listChanges(changes: CatalogueChanges) {
  const versions = (list: CatalogueChanges['newVersions'], change: string) =>
    list.map(({ id }) => ({ what: 'plan version', id, change }));
  const addons = (list: CatalogueChanges['newAddons'], change: string) =>
    list.map(({ code }) => ({ what: 'addon', id: code, change }));
  const units = (list: CatalogueChanges['newUnits'], change: string) =>
    list.map(({ code }) => ({ what: 'unit', id: code, change }));
  return [
    ...units(changes.newUnits, 'created'),
    ...units(changes.unchangedUnits, 'unchanged'),
    ...versions(changes.newVersions, 'created'),
    ...versions(changes.unchangedVersions, 'unchanged'),
    ...addons(changes.newAddons, 'created'),
    ...addons(changes.changedAddons, 'updated'),
    ...addons(changes.unchangedAddons, 'unchanged'),
  ];
}
