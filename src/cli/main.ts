import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

// Before any other import: it saves a third of the time until `--help` appears. Not in Node's default folder, which has
// a known name in /tmp: another user could create it first and put their own code into it.
const { XDG_CACHE_HOME: asked = '' } = process.env;
const cache = isAbsolute(asked) ? asked : join(homedir(), '.cache');
enableCompileCache(join(cache, 'arcadia-invoicing', 'compile-cache'));
const { run } = await import('./run.ts');
await run(process.argv);
