import { describe, expect, it } from "vitest";
import { progressLine, createProgressBar } from "./progress.js";
import { painter } from "./terminal.js";
import { bytes, duration, figure, grouped, oneLine, percent, table, wrap } from "./text.js";

const plain = (text: string) => text;

describe("figures", () => {
  it.each([
    [figure(0.15637), "0.1564"],
    [figure(83.456), "83.46"],
    [figure(12_345.6), "12,346"],
    [figure(1.2e-9), "1.20e-9"],
    [figure(0), "0"],
    [figure(-0.5), "-0.5000"],
    [grouped(1_234_567), "1,234,567"],
    [percent(0.12345), "12.3 %"],
    [percent(1), "100 %"],
    [percent(0), "0 %"],
    [percent(1e-6), "<0.1 %"],
    [percent(0.99999), ">99.9 %"],
    [percent(1.3), "130.0 %"],
    [duration(0.0421), "42 ms"],
    [duration(0.9999), "1.0 s"],
    [duration(200), "3 min 20 s"],
    [duration(7500), "2 h 5 min"],
    [bytes(999), "999 B"],
    [bytes(1536), "1.5 kB"],
    [bytes(2 ** 31), "2.1 GB"],
    [oneLine("a\u001b[2Jb\nc\u202ed"), "a [2Jb c d"],
  ])("%s", (shown, expected) => {
    expect(shown).toBe(expected);
  });
});

describe("layout", () => {
  it("wraps at spaces, and keeps long words whole", () => {
    expect(wrap("one two three", 8)).toEqual(["one two", "three"]);
    expect(wrap("a overlong b", 5, "- ", "  ")).toEqual(["- a", "  overlong", "  b"]);
  });

  it("aligns columns by display width", () => {
    expect(
      table(
        [
          ["a", "1"],
          ["🐶", "12"],
        ],
        [0],
      ),
    ).toEqual(["a    1", "🐶  12"]);
  });
});

describe("progress", () => {
  const progress = { task: "k-means", done: 250, total: 1000, figures: { objective: 0.15637 } };

  it("shows what fits", () => {
    expect(progressLine(progress, 100, 100, plain)).toBe(
      "k-means  ━━━━━━──────────────────  25 %  7.5 s left  100/s  objective 0.1564",
    );
    for (let width = 20; width < 120; width++) {
      expect(progressLine(progress, 100, width, plain).length).toBeLessThanOrEqual(width);
    }
    expect(progressLine(progress, 100, 39, plain)).toMatch(/^k-means {2}━+─+ {2}25 %/);
  });

  it("tells of training on 80 columns and on 40", () => {
    const figures = { loss: 31.234, distortion: 0.0912, distinct: 0.985 };
    const progress = { task: "train", done: 9240, total: 22_000, unit: "steps", figures };
    expect(progressLine(progress, 236, 79, plain)).toBe(
      "train  ━━━━─────  42 %  54.1 s left  236 steps/s  loss 31.23  distortion 0.0912",
    );
    expect(progressLine(progress, 236, 39, plain)).toBe("train  ━━━━━────────  42 %  54.1 s left");
  });

  it("counts where the total is not known", () => {
    expect(progressLine({ task: "read", done: 1500, total: undefined }, undefined, 60, plain)).toBe(
      "read  1,500",
    );
  });

  it("takes the rate of the last ten seconds", () => {
    const written: string[] = [];
    let time = 0;
    const bar = createProgressBar({ write: (text) => written.push(text) }, 80, plain, () => time);
    for (; time <= 30_000; time += 1000) {
      // Ten times as fast in the first half.
      const done = time <= 15_000 ? time / 10 : 1500 + (time - 15_000) / 100;
      bar.update({ task: "a", done, total: 2650 });
    }
    expect(written.at(-1)).toContain("62 %  1 min 40 s left  10/s");
  });

  it("redraws at most every 80 ms and wipes itself", () => {
    const written: string[] = [];
    let time = 0;
    const bar = createProgressBar({ write: (text) => written.push(text) }, 80, plain, () => time);
    bar.update({ task: "a", done: 0, total: 10 });
    time = 50;
    bar.update({ task: "a", done: 5, total: 10 });
    expect(written).toHaveLength(1);
    time = 400;
    bar.update({ task: "a", done: 8, total: 10 });
    expect(written).toHaveLength(2);
    expect(written[1]).toContain("80 %  100 ms left");
    bar.clear();
    bar.clear();
    expect(written.slice(2)).toEqual(["\r\u001b[K"]);
  });
});

describe("colours", () => {
  it("depend on the terminal, NO_COLOR and FORCE_COLOR", () => {
    const terminal = { write: plain, isTTY: true };
    const pipe = { write: plain, isTTY: false };
    const red = "\u001b[31mx\u001b[39m";
    expect(painter(terminal, {})("x", "error")).toBe(red);
    expect(painter(terminal, { NO_COLOR: "1" })("x", "error")).toBe("x");
    expect(painter(terminal, { TERM: "dumb" })("x", "error")).toBe("x");
    expect(painter(pipe, {})("x", "error")).toBe("x");
    expect(painter(pipe, { FORCE_COLOR: "1" })("x", "error")).toBe(red);
    expect(painter(pipe, { FORCE_COLOR: "0" })("x", "error")).toBe("x");
  });
});
