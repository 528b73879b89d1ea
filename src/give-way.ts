import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Puts this process, and the threads that it starts from now on, behind others that want the CPU: nobody
 * waits for a month end as senders wait for their answer.
 *
 * Linux may share the CPU among sessions before it looks at processes (autogroups, sched(7)): then a
 * priority counts within its session alone. So a process that has a session of its own, as one that a
 * supervisor has started, lowers that of its session, too.
 * @param niceness 0 to 19: the higher, the more it gives way; 0 changes nothing
 */
export function giveWay(niceness: number): void {
  if (niceness === 0) return;
  setPriority(niceness);
  if (process.platform === 'linux' && leadsItsSession()) {
    try {
      writeFileSync('/proc/self/autogroup', String(niceness));
    } catch {
      // A kernel without autogroups: the priority alone has to do.
    }
  }
}

function leadsItsSession(): boolean {
  // The command's name, in brackets, may hold anything; after it: state, parent, group, session.
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(session) === process.pid;
}
