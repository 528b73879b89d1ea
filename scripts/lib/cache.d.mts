/** The project's folder. */
export const PROJECT: string;
/** The cache for tools that all clones of this project share. */
export function cacheFolder(): string;
/** Returns the project's folder for local state, creating it if it is missing. */
export function localFolder(): string;
/** Whether the path is an executable file. */
export function isExecutable(path: string): boolean;
/** Returns the path of a program of this name on the PATH, if there is one. */
export function findOnPath(name: string): string | undefined;
