import { enableCompileCache } from 'node:module';

// Before anything else is read: it saves a third of the time until `--help` is there.
enableCompileCache();
const { run } = await import('./run.ts');
await run(process.argv);
