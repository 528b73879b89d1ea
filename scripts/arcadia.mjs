#!/usr/bin/env node
/** The command `arcadia`: the CLI under Node 24, from wherever it is called. */
import { fileURLToPath } from 'node:url';

process.argv.splice(2, 0, fileURLToPath(new URL('../src/cli/main.ts', import.meta.url)));
await import('./run.mjs');
