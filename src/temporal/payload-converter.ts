import {
  BinaryPayloadConverter,
  CompositePayloadConverter,
  JsonPayloadConverter,
  UndefinedPayloadConverter,
  ValueError,
  type Payload,
} from '@temporalio/common';
import { readStrictText, sayFlaw } from '../lib/strict-json.ts';

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

/**
 * Reads JSON as strictly as the API does. Operators type signals by hand, and the meaning of a field that appears twice
 * is unclear.
 */
class StrictJsonPayloadConverter extends JsonPayloadConverter {
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the base's signature
  override fromPayload<T>({ data }: Payload): T {
    if (!data) throw new ValueError('it has no data');
    const read = readStrictText(UTF_8.decode(data));
    if (read.ok) return read.value as T;
    throw new ValueError(read.mistake === 'flaw' ? sayFlaw(read.flaw) : 'it is not JSON');
  }
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The default converter with two differences: it reads JSON strictly, and payloads that it can't decode become a
 * sentinel. A signal with such a payload can then be refused. By default, the workflow task would fail forever.
 */
class LenientPayloadConverter extends CompositePayloadConverter {
  constructor() {
    super(
      new UndefinedPayloadConverter(),
      new BinaryPayloadConverter(),
      new StrictJsonPayloadConverter(),
    );
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the base's signature
  override fromPayload<T>(payload: Payload): T {
    try {
      return super.fromPayload<T>(payload);
    } catch (error) {
      const undecodable: Undecodable = {
        undecodable: error instanceof Error ? error.message : String(error),
      };
      return undecodable as T;
    }
  }
}

export const payloadConverter = new LenientPayloadConverter();
