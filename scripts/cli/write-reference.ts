import { readFileSync, writeFileSync } from 'node:fs';
import { createProgram } from '../../src/cli/program.ts';
import { renderReference, replaceReference } from '../../src/cli/reference.ts';

/** `npm run cli:reference`: writes the commands in docs/cli.md from the program. */
const PATH = new URL('../../docs/cli.md', import.meta.url);
const reference = renderReference(await createProgram());
writeFileSync(PATH, replaceReference(readFileSync(PATH, 'utf8'), reference));
