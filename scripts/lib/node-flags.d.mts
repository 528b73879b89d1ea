/** Flags for a worker-only process: less memory in the same CPU time. */
export declare const WORKER_NODE_FLAGS: readonly string[];
/** Returns the Node flags for a program of this project. */
export function nodeFlags(target: string, args: readonly string[]): readonly string[];
