import type { Command } from 'commander';

export interface Leaf {
  readonly path: readonly string[];
  readonly command: Command;
}

/** The commands that do something: all but the groups. */
export function leavesOf(command: Command, path: readonly string[] = []): readonly Leaf[] {
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((child) => leavesOf(child, [...path, child.name()]));
}
