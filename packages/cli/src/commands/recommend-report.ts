import type { Recommendation, Trial, Untried } from "@tessera/search/recommend";
import { displayWidth } from "@tessera/semantic-ids";
import { wrapCommand } from "../args/help.js";
import type { Context } from "../context.js";
import { bytes, duration, figure, grouped, percent, plural, table, wrap } from "../text.js";
import { commandsFor, type Inputs } from "./recommend-commands.js";
import { fileName, roundSeconds } from "./shared.js";

/** Shows what was tried and what is recommended, or all of it as JSON. */
export function reportRecommendation(
  result: Recommendation,
  inputs: Inputs,
  seconds: number,
  context: Context,
): void {
  const { chosen, trials, front, untried, settings } = result;
  const commands = chosen ? commandsFor(chosen, result, inputs) : [];
  const { dimension, total, searched, learned, queries } = result;
  context.json({
    dimension,
    rows: total,
    searched,
    learned,
    queries,
    ...settings,
    target: result.target,
    trials: trials.map((trial) => ({ ...trial, front: front.has(trial) })),
    untried: untried.map(({ reason = "no time left", ...candidate }) => ({ ...candidate, reason })),
    recommended: chosen?.spec ?? null,
    reason: chosen ? reasonFor(chosen, result) : null,
    commands: commands.map((words) => words.join(" ")),
    seconds: roundSeconds(seconds),
  });
  const { print, paint, width } = context;
  const say = (text: string) => wrap(text, width).forEach((line) => print(line));
  say(
    `${fileName(inputs.path)}: ${plural(trials.length, "quantizer")} tried in ${duration(seconds)} on ${grouped(searched)} × ${grouped(dimension)}, with ${queries === 1 ? "1 query" : `${grouped(queries)} queries`} held out`,
  );
  print();
  const [head, ...lines] = trialTable(result, width);
  print(paint(head!, "dim"));
  lines.forEach((line, i) => print(trials[i] === chosen ? paint(line, "bold") : line));
  print();
  for (const part of legend(result)) {
    for (const line of wrap(part, width)) print(paint(line, "dim"));
  }
  for (const line of untriedLines(untried, settings.budget)) say(line);
  if (!chosen) return;
  print();
  say(reasonFor(chosen, result));
  print();
  for (const words of commands) {
    for (const line of wrapCommand(words, width)) print(line);
  }
}

/** Why nothing is recommended, and what to ask for instead: message and hint of an error. */
export function shortfall(result: Recommendation): [string, { hint: string }] {
  const { best, target, settings } = result;
  const { bytes: limit, recall } = target;
  const found = `${showRecall(best.reached)} at ${plural(best.bytesPerVector, "byte")} a vector`;
  if (limit !== undefined && best.bytesPerVector > limit) {
    return [
      `nothing that was tried takes at most ${plural(limit, "byte")} a vector; ${best.spec} takes ${best.bytesPerVector}`,
      { hint: "allow more bytes" },
    ];
  }
  const within = limit === undefined ? "" : ` in ${plural(limit, "byte")} a vector`;
  return [
    `nothing that was tried finds ${recall} of the ${settings.k} nearest${within}; the best, ${best.spec}, finds ${found}`,
    {
      hint:
        settings.rescore === undefined
          ? "ask for less, or have candidates looked at again with --rescore 4"
          : `ask for less, or raise --rescore ${settings.rescore}`,
    },
  ];
}

function reasonFor(chosen: Trial, { target, settings, trials }: Recommendation): string {
  const size = plural(chosen.bytesPerVector, "byte");
  const { k, rescore } = settings;
  const again =
    rescore === undefined ? "" : ` among ${grouped(k * rescore)} candidates looked at again`;
  const share = `${showRecall(chosen.reached)} of the ${grouped(k)} nearest${again}`;
  if (target.recall === undefined) {
    return `${chosen.spec} is recommended: of the ${trials.length} tried it finds most within ${plural(target.bytes!, "byte")} a vector, ${share}, and takes ${size}.`;
  }
  return `${chosen.spec} is recommended: it is the smallest of the ${trials.length} tried that finds ${target.recall} or more, ${share}, and takes ${size} a vector.`;
}

interface Column {
  readonly name: string;
  readonly cell: (trial: Trial) => string;
  /** Columns of a higher rank go first where there is no room. */
  readonly rank: number;
}

const MOST_RANK = 7;

/** The trials as an aligned table, of as many columns as there is room for. The spec is last: only it may be too long. */
function trialTable({ trials, chosen, front, settings }: Recommendation, width: number): string[] {
  const { k, rescore } = settings;
  const counts = Object.keys(trials[0]!.recall).map(Number);
  const columns: Column[] = [
    {
      name: "",
      cell: (trial) => (trial === chosen ? "→" : front.has(trial) ? "•" : ""),
      rank: 0,
    },
    { name: "bytes", cell: (trial) => grouped(trial.bytesPerVector), rank: 0 },
    ...(rescore === undefined
      ? []
      : [
          {
            name: `${k} of ${k * rescore}`,
            cell: (trial: Trial) => showRecall(trial.reached),
            rank: 0,
          },
        ]),
    ...counts.map((count, i) => ({
      name: i === 0 ? `recall@${count}` : `@${count}`,
      cell: (trial: Trial) => showRecall(trial.recall[count]!),
      rank: count === k ? 0 : count === 1 ? 4 : 3,
    })),
    { name: "distortion", cell: (trial) => percent(trial.relativeDistortion), rank: 2 },
    { name: "queries/s", cell: (trial) => rate(trial.queriesPerSecond), rank: 1 },
    { name: "rows/s", cell: (trial) => rate(trial.encodedPerSecond), rank: MOST_RANK },
    { name: "fit", cell: (trial) => duration(trial.fitSeconds), rank: 6 },
    { name: "model", cell: (trial) => bytes(trial.modelBytes), rank: 5 },
    { name: "spec", cell: showCandidate, rank: 0 },
  ];
  for (let most = MOST_RANK; ; most--) {
    const shown = columns.filter(({ rank }) => rank <= most);
    const rows = trials.map((trial) => shown.map(({ cell }) => cell(trial)));
    const lines = table([shown.map(({ name }) => name), ...rows], [shown.length - 1]);
    if (most === 0 || Math.max(...lines.map(displayWidth)) <= width) return lines;
  }
}

/** What marks and columns mean, and what the figures hold for. */
function legend(result: Recommendation): string[] {
  const { chosen, front, learned, settings, total, searched, queries } = result;
  const others = [...front].some((trial) => trial !== chosen);
  const { k, rescore } = settings;
  return [
    [
      ...(chosen ? ["→ recommended"] : []),
      ...(others ? ["• nothing else is as small and finds as much"] : []),
    ],
    [
      "bytes: of a vector in the index, without its id and the model",
      "distortion: share of the variance",
      ...(rescore === undefined ? [] : [`${k} of ${k * rescore}: among so many candidates`]),
    ],
    [
      `learned from ${plural(learned, "row")}`,
      ...(searched + queries < total
        ? [`among all ${grouped(total)} vectors the nearest are harder to find`]
        : []),
    ],
  ].map((parts) => parts.join("; "));
}

function untriedLines(untried: readonly Untried[], budget: number): string[] {
  const late = untried.filter(({ reason }) => reason === undefined);
  const failed = untried.filter(({ reason }) => reason !== undefined);
  return [
    ...(late.length === 0
      ? []
      : [
          `not tried, as ${duration(budget)} were over: ${late.map(showCandidate).join(", ")}; --budget gives more time`,
        ]),
    ...failed.map((candidate) => `left out: ${showCandidate(candidate)}: ${candidate.reason}`),
  ];
}

function showCandidate({ spec, nprobe }: Pick<Trial, "spec" | "nprobe">): string {
  return nprobe === undefined ? spec : `${spec}, ${plural(nprobe, "list")} visited`;
}

/** Three places, rounded down: nothing reads as if it met a target that it misses. */
function showRecall(recall: number): string {
  return (Math.floor(recall * 1000 + 1e-9) / 1000).toFixed(3);
}

function rate(perSecond: number): string {
  return perSecond >= 1e6 ? `${figure(perSecond / 1e6)}M` : grouped(Math.round(perSecond));
}
