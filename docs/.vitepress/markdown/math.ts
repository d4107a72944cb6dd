/**
 * Equations between dollars, as MathML, which browsers draw and screen readers read without a script or a font of ours:
 * `$x$` in a line, `$$ … $$` in lines of their own.
 */
import type { MarkdownRenderer } from "vitepress";
import temml from "temml";

export function mathRules(md: MarkdownRenderer): void {
  md.inline.ruler.after("escape", "math", (state, silent) => {
    const { src, pos } = state;
    // A dollar that opens has no space behind it, one that closes none before it and no digit behind it.
    const match = /^\$(?!\s)((?:\\.|[^$\\])+?)(?<!\s)\$(?!\d)/.exec(src.slice(pos));
    if (match === null) return false;
    if (!silent) state.push("math_inline", "math", 0).content = match[1] ?? "";
    state.pos += match[0].length;
    return true;
  });
  md.block.ruler.before("fence", "math_block", (state, start, end, silent) => {
    const line = (at: number): string =>
      state.src.slice((state.bMarks[at] ?? 0) + (state.tShift[at] ?? 0), state.eMarks[at]);
    if (line(start).trim() !== "$$") return false;
    let last = start + 1;
    while (last < end && line(last).trim() !== "$$") last++;
    if (last === end) return false;
    if (silent) return true;
    const token = state.push("math_block", "math", 0);
    token.content = state.getLines(start + 1, last, 0, false);
    token.map = [start, last + 1];
    state.line = last + 1;
    return true;
  });
  md.renderer.rules["math_inline"] = (tokens, at) => mathml(tokens[at]?.content ?? "", false);
  md.renderer.rules["math_block"] = (tokens, at) =>
    `<div class="equation" tabindex="0" v-pre>${mathml(tokens[at]?.content ?? "", true)}</div>\n`;
}

/** @throws {Error} for TeX with a mistake, which would otherwise be shown in red to readers */
export function mathml(tex: string, displayMode: boolean): string {
  return temml.renderToString(tex, { displayMode, throwOnError: true, annotate: false });
}
