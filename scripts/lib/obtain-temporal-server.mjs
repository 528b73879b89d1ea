import { cpSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { announced, say } from './announce.mjs';
import { goInstall, makeInCache, runGo } from './go-tool.mjs';
import { withLock } from './lock.mjs';
import { lastLine, runCommand } from './run-command.mjs';
import {
  SERVER_VERSION,
  cachedServer,
  findTemporalServer,
  isWhole,
  serverParts,
} from './temporal-server.mjs';

const MODULE = 'go.temporal.io/server';

/** Returns why the server in this folder can't be used, or undefined if it can. */
async function complaintAbout(folder) {
  if (!isWhole(folder)) {
    return `${folder} must have temporal-server, temporal-sql-tool and config/docker.yaml`;
  }
  const { server, sqlTool } = serverParts(folder);
  for (const program of [server, sqlTool]) {
    const { code, output } = await runCommand(program, ['--version']);
    if (code !== 0) return lastLine(output);
  }
  const { output } = await runCommand(server, ['--version']);
  return output.includes(SERVER_VERSION)
    ? undefined
    : `${lastLine(output)} is not version ${SERVER_VERSION}`;
}

/** Builds both programs and copies the configuration template, which is only in the sources. */
async function build(folder) {
  const version = `v${SERVER_VERSION}`;
  const packages = ['cmd/server', 'cmd/tools/sql'].map((path) => `${MODULE}/${path}@${version}`);
  await goInstall(folder, packages, {
    heartbeat: 'building the Temporal server with Go, 3 minutes or more on 2 cores',
    flags: ['-ldflags=-s -w'],
  });
  const { server, sqlTool, config } = serverParts(folder);
  renameSync(join(folder, 'server'), server);
  renameSync(join(folder, 'sql'), sqlTool);
  const { Dir: sources } = JSON.parse(
    await runGo(folder, ['mod', 'download', '-json', `${MODULE}@${version}`]),
  );
  mkdirSync(dirname(config));
  cpSync(join(sources, 'config', 'docker.yaml'), config);
}

const ADVICE = `No Temporal server ${SERVER_VERSION} could be made. One of these helps:
  - install Go 1.25 or newer (https://go.dev/dl), then run this again: it builds the server,
  - set TEMPORAL_SERVER_FOLDER to a folder with temporal-server, temporal-sql-tool and config/docker.yaml.`;

async function make() {
  if (isWhole(cachedServer()) && (await complaintAbout(cachedServer())) === undefined) return;
  const what = `building the Temporal server ${SERVER_VERSION} with Go (once for this machine)`;
  try {
    await announced(what, () => makeInCache(cachedServer(), build, complaintAbout));
  } catch (error) {
    say(`the Temporal server can't be built: ${error.message}`);
    throw new Error(ADVICE, { cause: error });
  }
}

/** Finds production's Temporal server, or builds it. The tests only need it with TEST_TEMPORAL=cluster. */
export async function ensureTemporalServer() {
  const found = findTemporalServer();
  if (found !== undefined) {
    const complaint = await complaintAbout(found);
    if (complaint === undefined) return;
    say(`the Temporal server in ${found} can't be used: ${complaint}`);
    if (process.env.TEMPORAL_SERVER_FOLDER) throw new Error('Fix or unset TEMPORAL_SERVER_FOLDER.');
  }
  const onWait = () => say('waiting for another setup that builds the Temporal server …');
  await withLock(`${cachedServer()}.lock`, onWait, make);
}
