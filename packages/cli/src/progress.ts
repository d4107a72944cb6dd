import type { OnProgress, Progress } from "@tessera/core";
import { displayWidth } from "@tessera/semantic-ids";
import type { Output, Paint } from "./terminal.js";
import { duration, figure, grouped } from "./text.js";

/** A bar on one line of the terminal, drawn over itself. */
export interface ProgressBar {
  /** Give this to whatever takes long. */
  readonly update: OnProgress;
  /** Takes the bar off the screen; the next update draws it again. */
  clear(): void;
}

const REDRAW_MS = 80;
/** The rate is that of so long: what is left depends on how fast the work goes now, not on how it began. */
const RATE_MS = 10_000;
const LONGEST_BAR = 24;
const SHORTEST_BAR = 4;
const CLEAR_LINE = "\r\u001b[K";

/** @param output where to draw, or `undefined` for nowhere */
export function createProgressBar(
  output: Output | undefined,
  columns: number,
  paint: Paint,
  now: () => number = () => performance.now(),
): ProgressBar {
  if (output === undefined) return { update() {}, clear() {} };
  let task: string | undefined;
  let marks: { readonly time: number; readonly done: number }[] = [];
  let drawnAt = -Infinity;
  let shown = false;
  return {
    update(progress) {
      const time = now();
      if (progress.task !== task) {
        task = progress.task;
        marks = [{ time, done: progress.done }];
      }
      if (time - drawnAt < REDRAW_MS) return;
      drawnAt = time;
      shown = true;
      const first = marks[0]!;
      const seconds = (time - first.time) / 1000;
      const rate = seconds > 0.2 ? (progress.done - first.done) / seconds : undefined;
      marks.push({ time, done: progress.done });
      while (marks.length > 1 && time - marks[1]!.time > RATE_MS) marks.shift();
      // One column less than there is: a full last column makes some terminals wrap.
      output.write(CLEAR_LINE + progressLine(progress, rate, columns - 1, paint));
    },
    clear() {
      if (shown) output.write(CLEAR_LINE);
      shown = false;
    },
  };
}

/**
 * One line of at most `width` columns: the task, a bar, and as much of share, time left, rate and figures as fits. The bar
 * gives way first.
 *
 * @param rate units per second, if it is known yet
 */
export function progressLine(
  progress: Progress,
  rate: number | undefined,
  width: number,
  paint: Paint,
): string {
  const { done, total, unit, figures = {} } = progress;
  const task = [...progress.task].slice(0, Math.max(8, Math.floor(width / 3))).join("");
  const known = total !== undefined && total > 0;
  const share = known ? Math.min(1, done / total) : 0;
  const moving = rate !== undefined && rate > 0;
  const parts = [
    known ? `${Math.floor(share * 100)} %` : grouped(done),
    ...(known && moving && done < total ? [`${duration((total - done) / rate)} left`] : []),
    ...(moving
      ? [unit === undefined ? `${perSecond(rate)}/s` : `${perSecond(rate)} ${unit}/s`]
      : []),
    ...Object.entries(figures).map(([name, value]) => `${name} ${figure(value)}`),
  ];
  const room = width - displayWidth(task) - 2;
  const least = known ? SHORTEST_BAR + 2 : 0;
  let tail = "";
  for (const part of parts) {
    const longer = tail === "" ? part : `${tail}  ${part}`;
    if (displayWidth(longer) > room - least) break;
    tail = longer;
  }
  const rest = room - (tail === "" ? 0 : displayWidth(tail) + 2);
  const bar = known ? Math.max(0, Math.min(LONGEST_BAR, rest)) : 0;
  const filled = Math.round(share * bar);
  return [
    task,
    ...(bar === 0
      ? []
      : [paint("━".repeat(filled), "accent") + paint("─".repeat(bar - filled), "dim")]),
    ...(tail === "" ? [] : [tail]),
  ].join("  ");
}

function perSecond(rate: number): string {
  if (rate >= 1e6) return `${(rate / 1e6).toFixed(1)}M`;
  if (rate >= 1e4) return `${Math.round(rate / 1e3)}k`;
  return rate >= 10 ? grouped(Math.round(rate)) : rate.toFixed(1);
}
