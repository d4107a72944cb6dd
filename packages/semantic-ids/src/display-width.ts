/** Ranges of code points that terminals draw two columns wide (Unicode's East Asian Width W and F, without emoji). */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18d8f],
  [0x1aff0, 0x1b2ff],
  [0x20000, 0x3fffd],
];

const PRINTABLE_ASCII = /^[ -~]*$/;
/** Drawn as a picture: an emoji by default, or made one by a variation selector. */
const PICTURE = /\p{Emoji_Presentation}|\p{Emoji}\ufe0f/u;
const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
/** Control characters and direction marks: in a terminal they move the cursor, colour or reorder what follows. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

let segmenter: Intl.Segmenter | undefined;

function graphemes(text: string): Iterable<{ readonly segment: string }> {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

function graphemeWidth(grapheme: string): number {
  if (PICTURE.test(grapheme)) return 2;
  if (INVISIBLE.test(grapheme)) return 0;
  const point = grapheme.codePointAt(0)!;
  return WIDE.some(([first, last]) => point >= first && point <= last) ? 2 : 1;
}

/** Columns that a terminal uses for the text: emoji and CJK take two, combining marks none. */
export function displayWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes(text)) width += graphemeWidth(segment);
  return width;
}

/** The text if it fits in `width` columns; else its start, never half a character, and `ellipsis`. */
export function cutToWidth(text: string, width: number, ellipsis: string): string {
  if (displayWidth(text) <= width) return text;
  let room = width - displayWidth(ellipsis);
  if (room < 0) return "";
  let cut = "";
  for (const { segment } of graphemes(text)) {
    room -= graphemeWidth(segment);
    if (room < 0) break;
    cut += segment;
  }
  return cut.trimEnd() + ellipsis;
}

/** On one line and harmless to a terminal: control and direction characters and runs of spaces become one space. */
export function printable(text: string): string {
  return text.replaceAll(UNSAFE, " ").replaceAll(/\s+/g, " ").trim();
}
