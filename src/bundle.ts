import { writeFileSync } from 'node:fs';
import { bundleWorkflows } from './worker.ts';

/** Writes the workflow bundle to the file in `WORKFLOW_BUNDLE`, from which workers start. */
const path = process.env.WORKFLOW_BUNDLE;
if (!path) throw new Error('WORKFLOW_BUNDLE is not set. Set it to the file to write.');
const { code } = await bundleWorkflows();
writeFileSync(path, code);
