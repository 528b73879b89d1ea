import {
  BinaryPayloadConverter,
  CompositePayloadConverter,
  JsonPayloadConverter,
  UndefinedPayloadConverter,
  type Payload,
} from '@temporalio/common';
import type { Undecodable } from '../contracts/undecodable.ts';

/**
 * The default converter, but for one thing: what it cannot decode becomes a
 * sentinel. A signal with such a payload can then be refused; by default the
 * workflow task would fail for ever.
 */
class LenientPayloadConverter extends CompositePayloadConverter {
  constructor() {
    super(
      new UndefinedPayloadConverter(),
      new BinaryPayloadConverter(),
      new JsonPayloadConverter(),
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
