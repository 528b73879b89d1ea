/** The Temporal CLI: TEMPORAL_CLI, else what the set-up chose, else wherever one is. */
export function findTemporalCli(): string | undefined;
