/** The fields used here of a CPU profile that V8 writes (`--cpu-prof`). */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** The running node at each sample. */
  readonly samples: readonly number[];
  /** Microseconds between each sample and the one before. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

/** Returns how long matching frames were on the stack, in milliseconds, including everything they called. */
export function timeUnder(
  { nodes, samples, timeDeltas }: CpuProfile,
  isWanted: (frame: ProfileNode['callFrame']) => boolean,
): number {
  const under = nodesUnder(nodes, isWanted);
  let microseconds = 0;
  samples.forEach((id, index) => {
    // A sample's node ran until the next sample.
    if (under.has(id)) microseconds += timeDeltas[index + 1] ?? 0;
  });
  return microseconds / 1000;
}

function nodesUnder(
  nodes: readonly ProfileNode[],
  isWanted: (frame: ProfileNode['callFrame']) => boolean,
): ReadonlySet<number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const under = new Set<number>();
  const waiting = nodes.filter(({ callFrame }) => isWanted(callFrame)).map(({ id }) => id);
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (under.has(id)) continue;
    under.add(id);
    waiting.push(...(byId.get(id)?.children ?? []));
  }
  return under;
}
