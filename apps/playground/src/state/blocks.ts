/** A spec's outermost parts: transforms, then a sum of quantizers. Each is text of its own. */
export interface Blocks {
  readonly transforms: readonly string[];
  readonly levels: readonly string[];
}

/** The parts of a well-formed spec. Parentheses stay whole. */
export function blocksOf(spec: string): Blocks {
  const parts = splitAt(spec, ">");
  return { transforms: parts.slice(0, -1), levels: splitAt(parts.at(-1)!, "+") };
}

export function specOf({ transforms, levels }: Blocks): string {
  return [...transforms, levels.join("+")].join(">");
}

function splitAt(text: string, separator: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const character of text) {
    if (character === "(") depth++;
    if (character === ")") depth--;
    if (character === separator && depth === 0) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim());
}
