import { writeFileSync } from 'node:fs';
import { bundleWorkflows } from './worker.ts';

/** Writes the workflow bundle to `WORKFLOW_BUNDLE`, for workers to start from. */
const path = process.env.WORKFLOW_BUNDLE;
if (!path) throw new Error('WORKFLOW_BUNDLE is not set: it says where to write the bundle');
const { code } = await bundleWorkflows();
writeFileSync(path, code);
