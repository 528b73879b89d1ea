/**
 * The sentinel for a payload that can't be decoded. The Web UI also offers `json/protobuf` for
 * signals; without this sentinel such a signal would fail the month's workflow task forever.
 */
export interface Undecodable {
  readonly undecodable: string;
}

export function isUndecodable(value: unknown): value is Undecodable {
  return typeof value === 'object' && value !== null && 'undecodable' in value;
}
