/** Characters of an expression that its field shows at once, on the narrowest screen. */
const SHOWN = 30;
/** Characters shown before what is wrong, where there are too many. */
const BEFORE = 12;

/**
 * Marks a part of an expression. Short ones are marked under the field itself; of a long one, which the field scrolls, the
 * part is repeated above the marks.
 */
export function caretOf(spec: string, start: number, end: number): string {
  const marks = "^".repeat(Math.max(1, end - start));
  if (spec.length <= SHOWN) return " ".repeat(start) + marks;
  const from = Math.max(0, start - BEFORE);
  const lead = from > 0 ? "…" : "";
  const excerpt = spec.slice(from, from + SHOWN - 2);
  const tail = from + excerpt.length < spec.length ? "…" : "";
  const room = excerpt.length + lead.length + tail.length;
  const offset = lead.length + start - from;
  return `${lead}${excerpt}${tail}\n${" ".repeat(offset)}${marks.slice(0, Math.max(1, room - offset))}`;
}
