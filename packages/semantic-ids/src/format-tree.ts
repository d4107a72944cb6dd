import { ArgumentError } from "@tessera/core";
import { cutToWidth, printable } from "./display-width.js";
import type { PrefixTree } from "./prefix-tree.js";
import { levelName } from "./tokens.js";

/** What a piece of a printed tree is, for colouring. */
export type TreeStyle = "branch" | "code" | "count" | "bar" | "collision" | "label" | "more";

export interface FormatTreeOptions {
  /** The name of a row's item. Default: row numbers. */
  readonly labels?: ((row: number) => string) | undefined;
  /** Levels to show; default all. */
  readonly maxDepth?: number | undefined;
  /** Branches to show under one node, the largest; one more if it is the only one left. Default 5. */
  readonly maxChildren?: number | undefined;
  /** Items to name under the last node shown; likewise. Default 3; 0 for counts alone. */
  readonly maxItems?: number | undefined;
  /** Columns of a line, at least 20; longer lines are cut. Default 80. */
  readonly width?: number | undefined;
  /** Box drawing, bars and ellipses; false for ASCII (labels are left as they are). Default true. */
  readonly unicode?: boolean | undefined;
  /** Colours a piece of text, say with escape sequences, which do not count as width. Default: no colour. */
  readonly color?: ((text: string, style: TreeStyle) => string) | undefined;
}

/**
 * Draws a prefix tree for reading in a terminal: the largest branches first, how many items are in each, and a few of the
 * items. A branch that does not fork is written on one line, `b_7 c_200`.
 *
 * @returns lines joined by "\n", each at most `width` columns wide
 * @throws {ArgumentError} if a number is not an integer in its range
 */
export function formatTree(tree: PrefixTree, options: FormatTreeOptions = {}): string {
  const settings: Settings = {
    labels: options.labels,
    maxDepth: Math.min(atLeast("maxDepth", options.maxDepth ?? tree.levels, 1), tree.levels),
    maxChildren: atLeast("maxChildren", options.maxChildren ?? 5, 1),
    maxItems: atLeast("maxItems", options.maxItems ?? 3, 0),
    width: atLeast("width", options.width ?? 80, 20),
    glyphs: (options.unicode ?? true) ? UNICODE : ASCII,
    color: options.color ?? ((text) => text),
  };
  return new TreePrinter(tree, settings).print();
}

interface Settings {
  readonly labels: ((row: number) => string) | undefined;
  readonly maxDepth: number;
  readonly maxChildren: number;
  readonly maxItems: number;
  readonly width: number;
  readonly glyphs: Glyphs;
  readonly color: (text: string, style: TreeStyle) => string;
}

interface Glyphs {
  readonly fork: string;
  readonly last: string;
  readonly pass: string;
  readonly gap: string;
  readonly ellipsis: string;
  readonly dot: string;
  /** Cells of a bar, from the least full to a full one. */
  readonly bar: readonly string[];
}

const UNICODE: Glyphs = {
  fork: "├─ ",
  last: "└─ ",
  pass: "│  ",
  gap: "   ",
  ellipsis: "…",
  dot: " · ",
  bar: ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
};
const ASCII: Glyphs = {
  fork: "|- ",
  last: "`- ",
  pass: "|  ",
  gap: "   ",
  ellipsis: "...",
  dot: ", ",
  bar: ["#"],
};

const BAR_CELLS = 8;
/** Paths longer than this do not push the counts of their siblings aside. */
const ALIGNED_PATH = 20;

type Piece = readonly [text: string, style: TreeStyle];

/** A branch as it is shown: a chain of nodes down to the first that forks, or to the depth limit. */
interface Branch {
  readonly path: string;
  readonly depth: number;
  readonly node: number;
  readonly count: number;
}

class TreePrinter {
  readonly #tree: PrefixTree;
  readonly #settings: Settings;
  readonly #lines: string[] = [];

  constructor(tree: PrefixTree, settings: Settings) {
    this.#tree = tree;
    this.#settings = settings;
  }

  print(): string {
    const { rows, nodes, levels } = this.#tree;
    const { dot } = this.#settings.glyphs;
    const distinct = nodes[levels - 1]!.codes.length;
    this.#line("", [
      [plural(rows.length, "item"), "count"],
      [`${dot}${plural(distinct, "distinct code")}${dot}${plural(levels, "level")}`, "label"],
    ]);
    this.#branches("", 0, 0, nodes[0]!.codes.length);
    return this.#lines.join("\n");
  }

  /** The nodes from..to − 1 of `depth`, which are siblings, and what is under them. */
  #branches(indent: string, depth: number, from: number, to: number): void {
    const { itemStarts } = this.#tree.nodes[depth]!;
    const size = (node: number) => itemStarts[node + 1]! - itemStarts[node]!;
    const siblings = Array.from({ length: to - from }, (_, i) => from + i).sort(
      (a, b) => size(b) - size(a) || a - b,
    );
    const shown = keep(siblings.length, this.#settings.maxChildren);
    const branches = siblings.slice(0, shown).map((node) => this.#branch(depth, node));
    const largest = branches[0]?.count ?? 0;
    const pathWidth = Math.min(ALIGNED_PATH, Math.max(0, ...branches.map((b) => b.path.length)));
    const countWidth = grouped(largest).length;

    branches.forEach((branch, i) => {
      const last = i + 1 === siblings.length;
      const under = this.#step(indent, last, false);
      const head: Piece = [branch.path.padEnd(pathWidth), "code"];
      if (branch.count === 1) {
        const row = this.#rowsOf(branch)[0]!;
        const pad = largest > 1 ? " ".repeat(countWidth + 1) : "";
        this.#line(this.#step(indent, last, true), [
          head,
          [`  ${pad}${this.#label(row)}`, "label"],
        ]);
        return;
      }
      const count = `  ${grouped(branch.count).padStart(countWidth)} `;
      const terminal = branch.depth + 1 >= this.#settings.maxDepth;
      const line: Piece[] = [head, [count, "count"]];
      if (branch.depth + 1 === this.#tree.levels) line.push(["share this code", "collision"]);
      else line.push([this.#bar(branch.count / largest), "bar"]);
      if (terminal && this.#settings.labels === undefined) line.push(this.#rowNumbers(branch));
      this.#line(this.#step(indent, last, true), line);
      if (!terminal) {
        const { childStarts } = this.#tree.nodes[branch.depth]!;
        this.#branches(
          under,
          branch.depth + 1,
          childStarts[branch.node]!,
          childStarts[branch.node + 1]!,
        );
      } else if (this.#settings.labels !== undefined) {
        this.#items(under, branch);
      }
    });
    if (shown < siblings.length) {
      const hidden = siblings.slice(shown).reduce((sum, node) => sum + size(node), 0);
      const branchesLeft = `${grouped(siblings.length - shown)} more`;
      const alone = hidden === siblings.length - shown;
      this.#more(indent, alone ? branchesLeft : `${branchesLeft} (${plural(hidden, "item")})`);
    }
  }

  #items(indent: string, branch: Branch): void {
    const rows = this.#rowsOf(branch);
    const shown = keep(rows.length, this.#settings.maxItems);
    if (shown === 0) return;
    rows.subarray(0, shown).forEach((row, i) => {
      const last = i + 1 === rows.length;
      this.#line(this.#step(indent, last, true), [[this.#label(row), "label"]]);
    });
    if (shown < rows.length) this.#more(indent, `${grouped(rows.length - shown)} more`);
  }

  #rowNumbers(branch: Branch): Piece {
    const rows = this.#rowsOf(branch);
    const shown = keep(rows.length, this.#settings.maxItems);
    if (shown === 0) return ["", "label"];
    const numbers = Array.from(rows.subarray(0, shown), String);
    if (shown < rows.length) numbers.push(this.#settings.glyphs.ellipsis);
    return [`  rows ${numbers.join(", ")}`, "label"];
  }

  #more(indent: string, what: string): void {
    const { ellipsis } = this.#settings.glyphs;
    this.#line(this.#step(indent, true, true), [[`${ellipsis} ${what}`, "more"]]);
  }

  /** The node and, as long as they are only children, its descendants. */
  #branch(depth: number, node: number): Branch {
    const path: string[] = [];
    let at = node;
    for (let level = depth; ; level++) {
      const { codes, childStarts, itemStarts } = this.#tree.nodes[level]!;
      path.push(`${levelName(level)}_${codes[at]!}`);
      const forks = childStarts[at + 1]! - childStarts[at]! !== 1;
      if (forks || level + 1 >= this.#settings.maxDepth) {
        const count = itemStarts[at + 1]! - itemStarts[at]!;
        return { path: path.join(" "), depth: level, node: at, count };
      }
      at = childStarts[at]!;
    }
  }

  #rowsOf({ depth, node }: Branch): Uint32Array {
    const { itemStarts } = this.#tree.nodes[depth]!;
    return this.#tree.rows.subarray(itemStarts[node]!, itemStarts[node + 1]!);
  }

  #label(row: number): string {
    const { labels } = this.#settings;
    return labels === undefined ? `row ${row}` : printable(labels(row));
  }

  /** A bar of this share of {@link BAR_CELLS}, never empty. */
  #bar(share: number): string {
    const { bar } = this.#settings.glyphs;
    const steps = Math.max(1, Math.round(share * BAR_CELLS * bar.length));
    const full = Math.floor(steps / bar.length);
    const rest = steps % bar.length;
    return bar.at(-1)!.repeat(full) + (rest === 0 ? "" : bar[rest - 1]!);
  }

  #step(indent: string, last: boolean, own: boolean): string {
    const { fork, last: end, pass, gap } = this.#settings.glyphs;
    if (own) return indent + (last ? end : fork);
    return indent + (last ? gap : pass);
  }

  /** Writes a line, cut to the width before it is coloured. */
  #line(indent: string, pieces: readonly Piece[]): void {
    const { width, color, glyphs } = this.#settings;
    const all: Piece[] = indent === "" ? [...pieces] : [[indent, "branch"], ...pieces];
    const plain = all.map(([text]) => text).join("");
    let rest = cutToWidth(plain.trimEnd(), width, glyphs.ellipsis);
    let line = "";
    all.forEach(([text, style], i) => {
      // The ellipsis can be longer than what it stands for, so the last piece takes all that is left.
      const own = i + 1 === all.length ? rest : rest.slice(0, text.length);
      rest = rest.slice(own.length);
      if (own !== "") line += color(own, style);
    });
    this.#lines.push(line);
  }
}

/** How many of `total` to show: "1 more" takes the line that would show it. */
function keep(total: number, limit: number): number {
  return limit > 0 && total === limit + 1 ? total : Math.min(total, limit);
}

function plural(count: number, word: string): string {
  return `${grouped(count)} ${word}${count === 1 ? "" : "s"}`;
}

/** 12,101 */
function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

function atLeast(name: string, value: number, smallest: number): number {
  if (!Number.isInteger(value) || value < smallest) {
    throw new ArgumentError(`${name} is ${value}; it must be an integer from ${smallest}`);
  }
  return value;
}
