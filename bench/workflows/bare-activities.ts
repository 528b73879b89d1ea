/** The activities of the bare child. */
export interface BareActivities {
  nothing(): Promise<void>;
}
