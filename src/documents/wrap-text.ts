/** Returns the width of a text in points. */
export type Measure = (text: string) => number;

/**
 * Breaks a text into lines of at most `width` points: at spaces, at no-break spaces of what is longer than a line, and
 * within words that are longer than a line.
 * Returns one empty line for an empty text.
 */
export function wrapText(text: string, width: number, measure: Measure): string[] {
  const unbroken = text.split(/[^\S\u00a0]+/).filter(Boolean);
  const whole = unbroken.join(' ');
  // Most texts fit, and measuring is slow.
  if (measure(whole) <= width) return [whole];
  // Better a break at a no-break space than one within a word or number.
  const words = unbroken.flatMap((word) =>
    measure(word) <= width ? word : word.split('\u00a0').filter(Boolean),
  );
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (measure(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = breakWord(word, width, measure);
    line = pieces.pop() ?? '';
    lines.push(...pieces);
  }
  return [...lines, ...(line === '' && lines.length > 0 ? [] : [line])];
}

/** Returns the text, or as much of it as fits into `width` points with an ellipsis. */
export function cutText(text: string, width: number, measure: Measure): string {
  if (measure(text) <= width) return text;
  const letters = [...graphemes.segment(text)].map(({ segment }) => segment);
  while (letters.length > 0 && measure(`${letters.join('')}…`) > width) letters.pop();
  return `${letters.join('')}…`;
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Breaks a word between graphemes, so that letters keep their accents. */
function breakWord(word: string, width: number, measure: Measure): string[] {
  const pieces: string[] = [];
  let piece = '';
  let pieceWidth = 0;
  for (const { segment } of graphemes.segment(word)) {
    const segmentWidth = measure(segment);
    if (piece !== '' && pieceWidth + segmentWidth > width) {
      pieces.push(piece);
      [piece, pieceWidth] = ['', 0];
    }
    piece += segment;
    pieceWidth += segmentWidth;
  }
  return [...pieces, piece];
}
