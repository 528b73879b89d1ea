/** What the bare child calls. */
export interface BareActivities {
  nothing(): Promise<void>;
}
