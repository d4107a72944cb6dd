import { FormatError } from "@tessera/core";
import { DEFAULT_SETTINGS } from "@tessera/rqvae";
import { describe, expect, it } from "vitest";
import { chart, type Point, thinned } from "./chart.js";
import { renderTrainingReport } from "./page.js";
import { type LoggedEvent, parseLog, recordOf } from "./record.js";
import { linearScale, logScale } from "./scale.js";

const EVIL = `<script>alert("x")</script>`;

function start(seconds = 0): LoggedEvent {
  const settings = { ...DEFAULT_SETTINGS, pretraining: 100, steps: 900, batchSize: 32 };
  const facts = { spec: EVIL, rows: 3000, dimension: 16, streamed: false };
  return { kind: "start", settings, ...facts, reviewed: 3000, parameters: 12_345, seconds };
}

function stepAt(step: number, seconds: number): LoggedEvent {
  const quantization = step > 100 ? 50 / step : 0;
  const [reconstruction, learningRate] = [1000 / step, 1e-3 * (1 - step / 1000)];
  return { kind: "step", step, reconstruction, quantization, learningRate, seconds };
}

function reviewAt(step: number, seconds: number): LoggedEvent {
  const level = { usage: 1, perplexity: 200, dead: 0, residualEnergy: 0.25 };
  const levels = [level, { ...level, usage: 0.95, dead: 12, residualEnergy: 0.05 }];
  const health = { levels, relativeDistortion: 100 / step, distinct: 0.98, latentVariance: 1 };
  const heldOut = { ...health, relativeDistortion: 150 / step };
  return { kind: "review", step, revived: 0, heldOut, ...health, seconds };
}

/** A run of 1000 steps in 100 seconds. */
function events(): LoggedEvent[] {
  const all: LoggedEvent[] = [start()];
  for (let step = 10; step <= 1000; step += 10) {
    all.push(stepAt(step, step / 10));
    if (step > 100 && step % 100 === 0) all.push(reviewAt(step, step / 10));
  }
  return all;
}

const log = (all: readonly LoggedEvent[]) =>
  all.map((event) => `${JSON.stringify(event)}\n`).join("");

describe("a record", () => {
  it("is the same from events and from their lines", () => {
    const record = recordOf(events());
    expect(record).toMatchObject({ taken: 1000, seconds: 100, resumed: 0, collapse: undefined });
    expect(record.steps).toHaveLength(100);
    expect(record.reviews).toHaveLength(9);
    expect(recordOf(parseLog(log(events())))).toEqual(JSON.parse(JSON.stringify(record)));
  });

  it("counts steps once that a run took again after it was killed", () => {
    const all = events();
    const killedAt = all.findIndex((event) => event.kind === "step" && event.step === 570);
    const resumed: LoggedEvent[] = [
      ...all.slice(0, killedAt),
      start(),
      { kind: "resume", step: 500, seconds: 0.5 },
      ...all.flatMap((event) =>
        ("step" in event && event.step > 500) || (event.kind === "review" && event.step === 500)
          ? [{ ...event, seconds: event.seconds - 50 }]
          : [],
      ),
    ];
    const record = recordOf(parseLog(log(resumed)));
    const whole = recordOf(events());
    const places = (of: typeof whole) =>
      [of.steps, of.reviews].map((part) => part.map(({ step }) => step));
    expect(places(record)).toEqual(places(whole));
    expect(record.resumed).toBe(1);
    expect(record.seconds).toBeCloseTo(56 + 50, 9);
  });

  it("leaves out a line that was not finished, and refuses any other that is no event", () => {
    const text = log(events());
    expect(parseLog(text.slice(0, -20))).toHaveLength(events().length - 1);
    for (const line of [
      "{",
      "[]",
      "null",
      '{"kind":"step","step":1}',
      '{"kind":"toString","seconds":1,"step":2}',
    ]) {
      expect(() => parseLog(`${log([start()])}${line}\n`)).toThrow(/^line 2 is not an event/);
    }
    const review = { ...reviewAt(200, 1), levels: [] };
    expect(() => parseLog(log([review]))).toThrow(FormatError);
    expect(() => recordOf(parseLog(log([start()])))).toThrow("no training run with a step");
  });
});

describe("scales", () => {
  it("have round ticks within their ends", () => {
    expect(linearScale(0, 1).ticks).toEqual([0, 0.5, 1]);
    expect(linearScale(0, 0.0009).ticks).toEqual([0, 0.0005, 0.001]);
    expect(linearScale(0.925, 0.99).ticks).toEqual([0.92, 0.94, 0.96, 0.98, 1]);
    expect(linearScale(0, 0).ticks).toEqual([0, 0.5]);
    expect(linearScale(5, 5).at(5)).toBe(0);
    expect(logScale(3, 4000).ticks).toEqual([10, 100, 1000]);
    expect(logScale(0.09, 0.5).ticks).toEqual([0.1, 0.2, 0.3, 0.5]);
    expect(logScale(1, 100).at(10)).toBeCloseTo(0.5, 12);
  });
});

describe("a chart", () => {
  const drawn = { title: "T", note: "n", steps: 100, format: String } as const;

  it("says in words and in a table what it draws", () => {
    const { markup } = chart({
      ...drawn,
      series: [
        {
          name: "a",
          points: [
            [0, 8],
            [50, 4],
            [100, 2],
          ],
        },
      ],
    });
    expect(markup).toMatch(/role="img"\s+aria-label="T: a goes from 8 at step 0 to 2 at step 100"/);
    expect(markup).toMatch(/<th scope="row">50<\/th>\s*<td>4<\/td>/);
    expect(markup).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("draws nothing of what is not finite, and no chart of nothing", () => {
    const points: Point[] = [
      [0, 1],
      [50, Number.NaN],
      [100, 0],
    ];
    expect(chart({ ...drawn, log: true, series: [{ name: "a", points }] }).markup).not.toMatch(
      /NaN|Infinity/,
    );
    expect(chart({ ...drawn, series: [{ name: "a", points: [] }] }).markup).toBe("");
  });

  it("has few points of long runs, whose means stay", () => {
    const points = Array.from({ length: 24_000 }, (_, i): Point => [i, i % 2]);
    const few = thinned(points);
    expect(few).toHaveLength(240);
    expect(few.every(([, value]) => value === 0.5)).toBe(true);
  });
});

describe("the page", () => {
  it("loads and runs nothing, and shows what there is", () => {
    const page = renderTrainingReport(recordOf(events()));
    expect(page).not.toMatch(/<script|<img|<link|url\(|https?:/i);
    expect(page).toContain("default-src 'none'");
    for (const text of [
      "Reconstruction",
      "Learning rate",
      "rows held out",
      "level 2",
      "codebooks start",
    ]) {
      expect(page).toContain(text);
    }
    expect(page).toMatch(/batchSize<\/th>\s*<td>\s*32\s+\(default 64\)/);
    expect(page).not.toMatch(/NaN|undefined/);
  });

  it("tells of a collapse and its remedy, and of a run without a review", () => {
    const collapse = {
      level: 1,
      message: "level 1 uses 2.0 of its 256",
      remedy: "set standardize",
      cause: "unstandardized",
    } as const;
    const collapsed: LoggedEvent[] = [
      ...events().slice(0, 12),
      { kind: "collapse", step: 300, ...collapse, seconds: 3 },
    ];
    const page = renderTrainingReport(recordOf(collapsed));
    expect(page).toContain("At step 300: level 1 uses 2.0 of its 256. set standardize.");
    expect(page).not.toContain("Codebooks by level");
  });
});
