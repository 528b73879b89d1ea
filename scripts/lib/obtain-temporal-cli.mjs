import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { URLSearchParams } from 'node:url';
import { announced, say } from './announce.mjs';
import { findOnPath, isExecutable } from './cache.mjs';
import { goInstall, makeInCache } from './go-tool.mjs';
import { withLock } from './lock.mjs';
import { lastLine, runCommand } from './run-command.mjs';
import { CLI_VERSION, cachedCli, rememberCli } from './temporal-cli.mjs';

const DOWNLOAD_HOST = 'https://temporal.download';
const CONNECT_TIMEOUT_MS = 10_000;
const DOWNLOAD_TIMEOUT_MS = 5 * 60_000;
const GO_PACKAGE = `github.com/temporalio/cli/cmd/temporal@${CLI_VERSION}`;

/** Returns why the CLI at this path doesn't work, or undefined if it does. */
async function complaintAbout(path) {
  const { code, output } = await runCommand(path, ['--version']);
  return code === 0 ? undefined : lastLine(output);
}

/** Returns why a fetch failed, with the host; `fetch` itself says only "fetch failed". */
function fetchComplaint(error) {
  return error.cause?.message || error.cause?.code || error.message;
}

/** Fetches the archive's address the way the SDKs do, then the archive, and unpacks the CLI. */
async function download(folder) {
  const platform = process.platform === 'darwin' ? 'darwin' : 'linux';
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch];
  const query = new URLSearchParams({ arch, platform, format: 'tar.gz' });
  const info = await fetch(`${DOWNLOAD_HOST}/cli/${CLI_VERSION}?${query}`, {
    signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS),
  });
  if (!info.ok) throw new Error(`${DOWNLOAD_HOST} answered ${info.status}`);
  const { archiveUrl, fileToExtract } = await info.json();
  const archive = await fetch(archiveUrl, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) });
  if (!archive.ok) throw new Error(`${archiveUrl} answered ${archive.status}`);
  const file = join(folder, 'archive.tar.gz');
  writeFileSync(file, Buffer.from(await archive.arrayBuffer()));
  const tar = await runCommand('tar', ['-xzf', file, '-C', folder, fileToExtract]);
  if (tar.code !== 0) throw new Error(`the archive can't be unpacked: ${lastLine(tar.output)}`);
  if (fileToExtract !== 'temporal')
    renameSync(join(folder, fileToExtract), join(folder, 'temporal'));
  rmSync(file);
}

/** Lets `make` write a CLI into the cache. */
async function makeCli(make) {
  await makeInCache(dirname(cachedCli()), make, (folder) =>
    complaintAbout(join(folder, 'temporal')),
  );
  return cachedCli();
}

/** Returns the CLI in the cache if it works: another setup may have made it in the meantime. */
async function findCached() {
  const path = cachedCli();
  if (!isExecutable(path) || (await complaintAbout(path)) !== undefined) return undefined;
  return path;
}

/** Returns the first existing CLI that works. */
async function findWorking() {
  const candidates = [
    { path: process.env.TEMPORAL_CLI || undefined, where: 'TEMPORAL_CLI' },
    { path: findOnPath('temporal'), where: 'the PATH' },
  ];
  for (const { path, where } of candidates) {
    if (path === undefined) continue;
    const complaint = await complaintAbout(path);
    if (complaint === undefined) return path;
    say(`the Temporal CLI from ${where} (${path}) doesn't work: ${complaint}`);
  }
  return findCached();
}

const ADVICE = `No Temporal CLI could be found or made. One of these helps:
  - install it (https://docs.temporal.io/cli) so that \`temporal\` is on the PATH,
  - set TEMPORAL_CLI to its path,
  - install Go 1.24 or newer (https://go.dev/dl), then run this again: it builds the CLI.`;

async function make() {
  try {
    return await announced('downloading the Temporal CLI', () => makeCli(download));
  } catch (error) {
    say(`the Temporal CLI can't be downloaded: ${fetchComplaint(error)}`);
  }
  try {
    const what = `building the Temporal CLI ${CLI_VERSION} with Go (once for this machine)`;
    const heartbeat = 'building the Temporal CLI with Go, 5 minutes or more on 2 cores';
    return await announced(what, () =>
      makeCli((folder) => goInstall(folder, [GO_PACKAGE], { heartbeat })),
    );
  } catch (error) {
    say(`the Temporal CLI can't be built: ${error.message}`);
  }
  throw new Error(ADVICE);
}

/** Finds a working Temporal CLI, or obtains one, and records its path. */
export async function ensureTemporalCli() {
  const lock = join(dirname(dirname(cachedCli())), 'temporal.lock');
  const onWait = () => say('waiting for another setup that obtains the Temporal CLI …');
  const path =
    (await findWorking()) ??
    (await withLock(lock, onWait, async () => (await findCached()) ?? (await make())));
  rememberCli(path);
  return path;
}
