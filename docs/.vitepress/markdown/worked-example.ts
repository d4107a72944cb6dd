/** The eight points of the guide's worked example with their codewords. */
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

export function workedExample(): string {
  const x = (value: number): number => Math.round((value + 0.2) * UNIT);
  const y = (value: number): number => Math.round((7 - value) * UNIT);
  const squares = (cx: number, cy: number): string[] =>
    [-1, 1].map(
      (side) =>
        `<line x1="${x(cx)}" y1="${y(cy)}" x2="${x(cx + side)}" y2="${y(cy + side)}" class="grid"/>` +
        `<rect x="${x(cx + side) - 3}" y="${y(cy + side) - 3}" width="6" height="6" class="second"/>`,
    );
  const dots = (cx: number, cy: number): string[] =>
    OFFSETS.map(
      ([dx, dy]) => `<circle cx="${x(cx + dx)}" cy="${y(cy + dy)}" r="3" class="point"/>`,
    );
  const parts = CLOUDS.map(([cx, cy], i) =>
    [
      squares(cx, cy).join(""),
      `<rect x="${x(cx) - 7}" y="${y(cy) - 7}" width="14" height="14" class="own"/>`,
      i === 0
        ? `<text x="${x(cx) + 14}" y="${y(cy) + 16}">(${cx}, ${cy})</text>`
        : `<text x="${x(cx) - 14}" y="${y(cy) - 8}" class="value">(${cx}, ${cy})</text>`,
      dots(cx, cy).join(""),
    ].join("\n"),
  );
  return [
    `<figure class="chart example" v-pre>`,
    `<svg role="img" aria-labelledby="example-title" viewBox="30 16 360 206">`,
    `<title id="example-title">Eight points in two clouds. A large square in the middle of each cloud is a codeword of the first level; two small squares on its diagonal, by one in each direction, are those plus the codewords of the second level. Each small square lies between two points.</title>`,
    ...parts,
    `</svg>`,
    `<figcaption>Dots: the rows. Large squares: the two codewords of the first level. Small squares: those plus one of the two codewords of the second level, (1, 1) and (−1, −1), which both clouds share.</figcaption>`,
    `</figure>`,
    "",
  ].join("\n");
}
