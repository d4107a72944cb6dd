import { assignName } from "./sizes.mjs";

/** The report for people: times, shares of what the card does at most, and ratios to PyTorch. */
export function markdownOf({ adapter, date, kit, roofline, work, tessera, torch }) {
  const peer = torch?.seconds ?? {};
  const rows = Object.entries(tessera).map(([name, seconds]) => {
    if (typeof seconds !== "number") return [name, seconds.obstacle, "", time(peer[name]), "", ""];
    const gflops = operationsOf(name, work) / seconds / 1e9;
    const share = Number.isNaN(gflops)
      ? ""
      : `${percent(gflops / roofline.gflops)} of the arithmetic`;
    return [
      name,
      time(seconds),
      share,
      time(peer[name]),
      ratio(peer[name], seconds),
      ratio(peer[`${name}, tf32`], seconds),
    ];
  });
  return [
    `# ${adapter}`,
    "",
    `${date.slice(0, 10)}. The conformance kit: ${kit.passed} cases passed, ${kit.failures.length} failed.`,
    `At most, in WGSL: ${round(roofline.gflops)} GFLOP/s of float32 multiply-adds, ${round(roofline.gigabytesPerSecond)} GB/s copied.`,
    torch?.name === undefined
      ? `PyTorch: ${torch?.obstacle ?? "not asked for"}.`
      : `PyTorch: ${torch.name}; a ratio above 1 says how many times as fast Tessera is.`,
    "",
    "| | Tessera | share | PyTorch, float32 | ratio | ratio to its tf32 |",
    "|---|---|---|---|---|---|",
    ...rows.map((cells) => `| ${cells.join(" | ")} |`),
    "",
    ...kit.failures.map((failure) => `- failed: ${failure}`),
    "",
  ].join("\n");
}

/** Multiplications and additions of an assignment; NaN for what mixes kinds of work. */
function operationsOf(name, { assign }) {
  const size = assign.find((candidate) => assignName(candidate) === name);
  return size ? 2 * size.rows * size.dimension * size.codebookSize : Number.NaN;
}

function time(seconds) {
  if (typeof seconds !== "number") return "";
  return seconds < 1 ? `${round(seconds * 1000)} ms` : `${round(seconds)} s`;
}

function ratio(theirs, ours) {
  return typeof theirs === "number" ? round(theirs / ours) : "";
}

function percent(share) {
  return `${round(100 * share)} %`;
}

function round(value) {
  return String(Number(value.toPrecision(3)));
}
