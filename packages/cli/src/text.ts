import { displayWidth } from "@tessera/semantic-ids";

/**
 * Breaks text at spaces into lines of at most `width` columns. A word that is wider has a line of its own.
 *
 * @param first what the first line starts with
 * @param rest what the others start with; default as the first
 * @param continued what each line but the last ends with, such as ` \`
 */
export function wrap(
  text: string,
  width: number,
  first = "",
  rest = first,
  continued = "",
): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(" ")) {
    if (!empty && displayWidth(line) + 1 + displayWidth(word) + continued.length > width) {
      lines.push(line + continued);
      line = rest;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}

/** 12,101 */
export function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 row`, `12,101 rows` */
export function plural(count: number, word: string): string {
  return `${grouped(count)} ${word}${count === 1 ? "" : "s"}`;
}

/** A figure with about four significant digits: `.1564` reads `0.1564`, `83.4`, `1.2e-9`. */
export function figure(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e7) return value.toExponential(2);
  if (size >= 1000) return grouped(Math.round(value));
  return value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4);
}

/** `12.3 %`; `0 %` and `100 %` are exact, and no other share reads as if it were. */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 0 || value === 100) return `${value} %`;
  if (value > 0 && value < 0.05) return "<0.1 %";
  if (value < 100 && value > 99.95) return ">99.9 %";
  return `${value.toFixed(1)} %`;
}

/** `850 ms`, `12.4 s`, `3 min 20 s`, `2 h 5 min` */
export function duration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `512 B`, `1.5 MB` (decimal) */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  for (; value >= 999.5 && unit + 1 < units.length; unit++) value /= 1000;
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Rows of cells as aligned columns, two spaces apart. Columns named in `left` are aligned left, the others right. */
export function table(
  rows: readonly (readonly string[])[],
  left: readonly number[] = [],
): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, j) =>
    Math.max(...rows.map((row) => displayWidth(row[j] ?? ""))),
  );
  return rows.map((row) =>
    row
      .map((cell, j) => {
        const pad = " ".repeat(widths[j]! - displayWidth(cell));
        return left.includes(j) ? cell + pad : pad + cell;
      })
      .join("  ")
      .trimEnd(),
  );
}

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu;

/** Text from outside on one line, without anything that would move a terminal's cursor. */
export function oneLine(text: string): string {
  return text.replaceAll(CONTROL, " ").trim();
}
