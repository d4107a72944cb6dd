/** The eight points of the guide's worked example with their codewords: a fence `worked-example` draws them. */
import type { MarkdownRenderer } from "vitepress";

const CLOUDS = [
  [2, 3],
  [8, 5],
] as const;
const OFFSETS = [
  [-1, -1.2],
  [-1, -0.8],
  [1, 0.8],
  [1, 1.2],
] as const;
const UNIT = 40;

export function workedExample(md: MarkdownRenderer): void {
  const fence = md.renderer.rules.fence;
  if (fence === undefined) throw new Error("Markdown has no fences");
  md.renderer.rules.fence = (tokens, at, ...rest) =>
    tokens[at]?.info.trim() === "worked-example" ? drawing() : fence(tokens, at, ...rest);
}

function drawing(): string {
  const x = (value: number): number => Math.round((value + 0.2) * UNIT);
  const y = (value: number): number => Math.round((7 - value) * UNIT);
  const squares = (cx: number, cy: number): string[] =>
    [-1, 1].map(
      (side) =>
        `<line x1="${x(cx)}" y1="${y(cy)}" x2="${x(cx + side)}" y2="${y(cy + side)}" class="grid"/>` +
        `<rect x="${x(cx + side) - 5}" y="${y(cy + side) - 5}" width="10" height="10" class="second"/>`,
    );
  const dots = (cx: number, cy: number): string[] =>
    OFFSETS.map(
      ([dx, dy]) => `<circle cx="${x(cx + dx)}" cy="${y(cy + dy)}" r="4" class="point"/>`,
    );
  const parts = CLOUDS.map(([cx, cy], i) =>
    [
      squares(cx, cy).join(""),
      `<rect x="${x(cx) - 7}" y="${y(cy) - 7}" width="14" height="14" class="own"/>`,
      `<text x="${x(cx) + 14}" y="${y(cy) + 16}">codeword ${i}: (${cx}, ${cy})</text>`,
      dots(cx, cy).join(""),
    ].join("\n"),
  );
  return [
    `<figure class="chart example" v-pre>`,
    `<svg role="img" aria-labelledby="example-title" viewBox="0 0 410 290">`,
    `<title id="example-title">Eight points in two clouds. A large square in the middle of each cloud is a codeword of the first level; two small squares on its diagonal, by one in each direction, are those plus the codewords of the second level. Each small square lies between two points.</title>`,
    ...parts,
    `</svg>`,
    `<figcaption>Dots: the rows. Large squares: the two codewords of the first level. Small squares: those plus one of the two codewords of the second level, (1, 1) and (−1, −1), which both clouds share.</figcaption>`,
    `</figure>`,
    "",
  ].join("\n");
}
