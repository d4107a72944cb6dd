import type { MarkdownRenderer } from "vitepress";

/** What a fence with one of these names becomes: HTML made of its content. */
export function drawFences(
  md: MarkdownRenderer,
  draws: Readonly<Record<string, (content: string) => string>>,
): void {
  const { fence } = md.renderer.rules;
  if (fence === undefined) throw new Error("this Markdown has no fences");
  md.renderer.rules.fence = (tokens, at, ...rest) => {
    const token = tokens[at];
    const draw = draws[token?.info.trim() ?? ""];
    return token !== undefined && draw !== undefined
      ? draw(token.content)
      : fence(tokens, at, ...rest);
  };
  // Indented code looks, scrolls and is focused like a fence.
  md.renderer.rules.code_block = (tokens, at, ...rest) => {
    const token = tokens[at];
    if (token !== undefined) token.info = "text";
    return fence(tokens, at, ...rest);
  };
}
