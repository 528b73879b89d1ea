import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

interface ProcessInfo {
  parentPid: number;
  command: string;
}

/** Parent and command line of a process; from /proc on Linux, because slim images have no `ps`. */
function describeProcess(pid: number): ProcessInfo | undefined {
  try {
    if (process.platform === 'linux') {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return { parentPid: Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]), command };
    }
    const line = execFileSync('ps', ['-o', 'ppid=,command=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [, parentPid, command = ''] = /^\s*(\d+)\s+(.*)/.exec(line) ?? [];
    return { parentPid: Number(parentPid), command };
  } catch {
    return undefined; // no such process
  }
}

function readPid(pidFile: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
    return pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Makes sure that no server of an earlier run still uses our data: waits for a server that is being stopped, and stops one
 * that has lost its guard. A process only counts as that server if its command line names the data, because process ids
 * are reused.
 * @throws Error if another run still uses the server
 */
export async function stopPredecessor(server: {
  name: string;
  pidFile: string;
  dataPath: string;
  stopSignal: 'SIGINT' | 'SIGTERM';
}): Promise<void> {
  const pid = readPid(server.pidFile);
  if (pid === undefined) return;
  const find = (): ProcessInfo | undefined => {
    const found = describeProcess(pid);
    return found?.command.includes(server.dataPath) ? found : undefined;
  };
  const waitForEnd = async (timeoutMs: number): Promise<boolean> => {
    const deadline = Date.now() + timeoutMs;
    while (find() !== undefined && Date.now() < deadline) await sleep(50);
    return find() === undefined;
  };

  const running = find();
  if (running !== undefined) {
    const isGuarded = describeProcess(running.parentPid)?.command.includes('guard.ts') ?? false;
    if (!isGuarded) signal(pid, server.stopSignal);
    if (!(await waitForEnd(10_000))) {
      if (isGuarded) {
        throw new Error(
          `${server.name} (process ${pid}) is already running on ${server.dataPath}. ` +
            'Stop the other run of this project first (Ctrl-C in its terminal).',
        );
      }
      signal(pid, 'SIGKILL');
      await waitForEnd(5_000);
    }
  }
  rmSync(server.pidFile, { force: true });
}
