import { mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sizeOf, type Bench } from './lib/bench.ts';
import { timeUnder, type CpuProfile } from './lib/cpu-profile.ts';
import { measureMonthEnd } from './lib/measure-month-end.ts';
import { USUAL_TENANT } from './lib/population.ts';

/** The share of the worker's CPU spent on prices. */
export const quoteShare: Bench = {
  name: 'quote-share',
  title: "The quote's share of the worker's CPU",
  sizes: { tenants: { full: 1000, smoke: 10 } },
  async run(context) {
    const tenants = sizeOf(context, 'tenants');
    await using servers = await context.startServers();
    const folder = mkdtempSync(join(servers.folder, 'profile-'));
    const { cpuMs } = await measureMonthEnd(context, servers, {
      shape: { ...USUAL_TENANT, tenants },
      nodeFlags: ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${folder}`],
    });
    const profiles = readProfiles(folder);
    const under = (file: string) =>
      profiles.reduce(
        (sum, profile) => sum + timeUnder(profile, ({ url }) => url.includes(`/src/${file}`)),
        0,
      );
    const quoteMs = under('domain/service-days.ts') + under('domain/deployment-lines.ts');
    // A profile that misses the quote would report that it costs nothing.
    if (quoteMs === 0) throw new Error('the profile shows no quote');
    const share = (ms: number) => `${((100 * ms) / cpuMs).toFixed(1)} %`;
    return {
      figures: [
        {
          name: '`billedDeployment`, `deploymentLines` and all that they call',
          measured: { value: quoteMs, unit: 'ms' },
          against: { value: cpuMs, unit: 'ms', name: "the worker's CPU time, of all threads" },
          ratio: quoteMs / cpuMs,
          bound: { atMost: 0.05 },
          note: `${tenants} tenants; everything in src/domain: ${share(under('domain/'))}`,
        },
      ],
    };
  },
};

/** One profile per thread; activities run in the main thread. */
function readProfiles(folder: string): readonly CpuProfile[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  if (files.length === 0) throw new Error('the worker has left no profile');
  return files.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile);
}
