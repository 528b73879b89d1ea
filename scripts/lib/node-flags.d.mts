/** For a process that is a worker alone: less memory, in the same CPU time. */
export declare const WORKER_NODE_FLAGS: readonly string[];
/** What Node gets for a program of ours. */
export function nodeFlags(target: string, args: readonly string[]): readonly string[];
