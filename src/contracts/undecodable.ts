/**
 * What a payload becomes that cannot be decoded. The Web UI also offers
 * `json/protobuf` for a signal; without this sentinel such a signal would fail the
 * month's workflow task for ever.
 */
export interface Undecodable {
  readonly undecodable: string;
}

export function isUndecodable(value: unknown): value is Undecodable {
  return typeof value === 'object' && value !== null && 'undecodable' in value;
}
