/** Returns the Temporal CLI: TEMPORAL_CLI, then the one that setup chose, then any on the machine. */
export function findTemporalCli(): string | undefined;
