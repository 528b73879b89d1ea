/**
 * The FNV-1a hash of a text, 32 bits, over its UTF-16 units: quick, and even enough to spread things by; no more.
 * Its low bits are the poorest: of texts that are alike those are alike, too.
 */
export function fnv1a(text: string): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  }
  return sum;
}
