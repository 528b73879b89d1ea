/** The version of production's Temporal server. */
export const SERVER_VERSION: string;

/** Returns the paths of the server's parts in a folder. */
export function serverParts(folder: string): {
  readonly server: string;
  readonly config: string;
};

/** Returns the folder with the server: TEMPORAL_SERVER_FOLDER, or the one in the cache, if there is one. */
export function findTemporalServer(): string | undefined;
