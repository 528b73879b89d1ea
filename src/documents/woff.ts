import { inflateSync } from 'node:zlib';

const WOFF_HEADER = 44;
const WOFF_ENTRY = 20;
const SFNT_HEADER = 12;
const SFNT_ENTRY = 16;

/**
 * Converts a WOFF font (W3C, WOFF File Format 1.0) to the TrueType or OpenType font that it contains.
 *
 * fontkit can read WOFF itself, but it decompresses the font's tables again for every glyph, which takes seconds for a
 * name. The fallback font's package has no TTF file.
 * @throws Error if the input is not a WOFF font
 */
export function unpackWoff(woff: Buffer): Buffer {
  if (woff.toString('latin1', 0, 4) !== 'wOFF') throw new Error('not a WOFF font');
  const count = woff.readUInt16BE(12);
  const head = Buffer.alloc(SFNT_HEADER + count * SFNT_ENTRY);
  // The kind of font.
  woff.copy(head, 0, 4, 8);
  const power = Math.floor(Math.log2(count));
  head.writeUInt16BE(count, 4);
  head.writeUInt16BE(2 ** power * SFNT_ENTRY, 6);
  head.writeUInt16BE(power, 8);
  head.writeUInt16BE((count - 2 ** power) * SFNT_ENTRY, 10);
  let offset = head.length;
  const tables = Array.from({ length: count }, (_, index) => {
    const entry = WOFF_HEADER + index * WOFF_ENTRY;
    const [start, packed, length, checksum] = [4, 8, 12, 16].map((at) =>
      woff.readUInt32BE(entry + at),
    ) as [number, number, number, number];
    const bytes = woff.subarray(start, start + packed);
    const at = SFNT_HEADER + index * SFNT_ENTRY;
    woff.copy(head, at, entry, entry + 4);
    head.writeUInt32BE(checksum, at + 4);
    head.writeUInt32BE(offset, at + 8);
    head.writeUInt32BE(length, at + 12);
    // Tables begin at multiples of four.
    const padded = Math.ceil(length / 4) * 4;
    offset += padded;
    return Buffer.concat([packed < length ? inflateSync(bytes) : bytes], padded);
  });
  return Buffer.concat([head, ...tables]);
}
