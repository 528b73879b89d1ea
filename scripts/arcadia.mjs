#!/usr/bin/env node
/** The command `arcadia`: runs the CLI on Node 24, from any folder. */
import { fileURLToPath } from 'node:url';

process.argv.splice(2, 0, fileURLToPath(new URL('../src/cli/main.ts', import.meta.url)));
await import('./run.mjs');
