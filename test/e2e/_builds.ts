import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** A line of a workflow, before which the changed build does one more step. */
interface Insertion {
  readonly file: string;
  readonly before: string;
}

/** During a running month. */
const IN_MONTH_END: Insertion = {
  file: 'serve-pass.ts',
  before: 'const page = await monthSteps.planPage(',
};
/** At the start of each tenant's workflow. */
const IN_TENANT_INVOICE: Insertion = { file: 'tenant-invoice.ts', before: 'try {' };

const INSERTIONS = {
  guarded: [IN_MONTH_END, IN_TENANT_INVOICE],
  // A child started by such a build must end on it, so only the month changes back.
  unguarded: [IN_MONTH_END],
} as const satisfies Readonly<Record<string, readonly Insertion[]>>;

/** The patch id in the markers of histories that have the change. */
export const PATCH_ID = 'looks-who-waits';

export type Change = keyof typeof INSERTIONS;

/**
 * Builds the workflow code with one more step (an activity), behind a patch or not.
 * @param folder where to write the build; each needs its own
 * @returns the bundle's path
 */
export async function writeBuild(folder: string, change: Change): Promise<string> {
  cpSync(join(ROOT, 'src'), join(folder, 'src'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const insertion of INSERTIONS[change]) {
    insert(join(folder, 'src/workflows'), insertion, change);
  }
  const { code } = await bundleWorkflowCode({
    logger: new DefaultLogger('ERROR'),
    workflowsPath: join(folder, 'src/workflows/all-workflows.ts'),
    payloadConverterPath: join(folder, 'src/temporal/payload-converter.ts'),
  });
  const path = join(folder, 'workflow-bundle.js');
  writeFileSync(path, code);
  return path;
}

/** Inserts the change like a developer would: see CONTRIBUTING, "Changing the schema or a workflow". */
function insert(folder: string, { file, before }: Insertion, change: Change): void {
  const path = join(folder, file);
  const source = readFileSync(path, 'utf8');
  const [head, tail, ...more] = source.split(before);
  if (head === undefined || tail === undefined || more.length > 0) {
    throw new Error(`${file} has to have this once: ${before}`);
  }
  const guard = change === 'guarded' ? `if (isPatched('${PATCH_ID}')) ` : '';
  writeFileSync(
    path,
    [
      "import { patched as isPatched } from '@temporalio/workflow';",
      "import { monthSteps as extra } from './activity-proxies.ts';",
      head + `${guard}await extra.listWaiting({ month, upToSeq: 0 });`,
      before + tail,
    ].join('\n'),
  );
}
