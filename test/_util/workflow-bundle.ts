import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DefaultLogger } from '@temporalio/worker';
import { bundleWorkflows } from '../../src/worker.ts';

/** Bundles the workflow code into a file for workers to start from. @returns its path */
export async function writeWorkflowBundle(folder: string): Promise<string> {
  const path = join(folder, 'workflow-bundle.js');
  const { code } = await bundleWorkflows(new DefaultLogger('WARN'));
  writeFileSync(path, code);
  return path;
}
