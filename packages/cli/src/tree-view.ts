import { displayWidth, levelName, type PrefixTree } from "@tessera/semantic-ids";
import { majority, spread } from "./report/figures.js";
import type { Paint } from "./terminal.js";
import { grouped, oneLine, percent, plural } from "./text.js";

export interface TreeViewOptions {
  readonly label: (row: number) => string;
  /** `[rows]`: the kind of each item, if known. The first level says which is most frequent. */
  readonly kinds: readonly string[] | undefined;
  /** Levels to draw. */
  readonly depth: number;
  /** Branches to draw of the root, and of the others. */
  readonly branches: readonly [root: number, others: number];
  readonly width: number;
  readonly unicode: boolean;
  readonly paint: Paint;
}

const UNICODE = { fork: "├ ", last: "└ ", pass: "│ ", gap: "  ", more: "…", bar: "▏▎▍▌▋▊▉█" };
const ASCII = { fork: "|-", last: "`-", pass: "| ", gap: "  ", more: "...", bar: "#" };
const BAR_CELLS = 8;

/**
 * The prefix tree in one line per branch, each with a few of its items: made to be skimmed, a catalogue on a screen or
 * two. The largest branches come first; those of the root stand apart, like chapters.
 */
export function treeView(tree: PrefixTree, options: TreeViewOptions): string[] {
  return new TreeView(tree, options).lines();
}

interface Branch {
  readonly node: number;
  readonly rows: Uint32Array;
}

class TreeView {
  readonly #tree: PrefixTree;
  readonly #options: TreeViewOptions;
  readonly #glyphs: typeof UNICODE;
  readonly #lines: string[] = [];

  constructor(tree: PrefixTree, options: TreeViewOptions) {
    this.#tree = tree;
    this.#options = options;
    this.#glyphs = options.unicode ? UNICODE : ASCII;
  }

  lines(): string[] {
    this.#level("", 0, 0, this.#tree.nodes[0]!.codes.length);
    return this.#lines;
  }

  /** Draws the siblings from..to − 1 of `depth`, each with what is under it. */
  #level(indent: string, depth: number, from: number, to: number): void {
    const { codes, childStarts, itemStarts } = this.#tree.nodes[depth]!;
    const siblings: Branch[] = Array.from({ length: to - from }, (_, i) => ({
      node: from + i,
      rows: this.#tree.rows.subarray(itemStarts[from + i]!, itemStarts[from + i + 1]!),
    })).sort((a, b) => b.rows.length - a.rows.length || a.node - b.node);
    const limit = this.#options.branches[depth === 0 ? 0 : 1];
    // "1 more" would take the line that shows it.
    const shown = siblings.length <= limit + 1 ? siblings : siblings.slice(0, limit);
    const names = shown.map(({ node }) => `${levelName(depth)}_${codes[node]!}`);
    const nameWidth = Math.max(...names.map((name) => name.length));
    const countWidth = grouped(siblings[0]!.rows.length).length;
    shown.forEach((branch, i) => {
      const last = i + 1 === siblings.length;
      const root = depth === 0;
      const { rows, node } = branch;
      const head = names[i]!.padEnd(nameWidth);
      const count = grouped(rows.length).padStart(countWidth);
      const share = rows.length / siblings[0]!.rows.length;
      this.#line(
        root ? "" : indent + (last ? this.#glyphs.last : this.#glyphs.fork),
        head,
        count,
        root ? this.#bar(share) : "",
        rows,
        root,
      );
      if (depth + 1 < this.#options.depth && rows.length > 1) {
        const under = root ? "" : indent + (last ? this.#glyphs.gap : this.#glyphs.pass);
        this.#level(under, depth + 1, childStarts[node]!, childStarts[node + 1]!);
        if (root && i + 1 < siblings.length) this.#lines.push("");
      }
    });
    const hidden = siblings.slice(shown.length);
    if (hidden.length === 0) return;
    const items = hidden.reduce((sum, { rows }) => sum + rows.length, 0);
    const mark = depth === 0 ? "" : indent + this.#glyphs.last;
    this.#lines.push(
      this.#options.paint(
        `${mark}${this.#glyphs.more} ${grouped(hidden.length)} more ${hidden.length === 1 ? "branch" : "branches"}, ${plural(items, "item")}`,
        "dim",
      ),
    );
  }

  #line(
    indent: string,
    name: string,
    count: string,
    bar: string,
    rows: Uint32Array,
    root: boolean,
  ): void {
    const { kinds, paint, width } = this.#options;
    const kind = root && kinds !== undefined ? majority(rows, kinds) : undefined;
    const told = kind === undefined ? "" : `${oneLine(kind.value)} ${percent(kind.share)}`;
    const start = displayWidth(`${indent}${name}  ${count}  ${bar}`) + (bar === "" ? 0 : 2);
    const used = start + (told === "" ? 0 : displayWidth(told) + 2);
    // Of what is under the root's branches the lines below tell more.
    const examples =
      told === "" || this.#options.depth === 1 || rows.length === 1
        ? this.#examples(rows, width - used)
        : "";
    this.#lines.push(
      [
        paint(indent, "dim") + paint(name, root ? "bold" : "accent"),
        paint(count, root ? "bold" : "dim"),
        ...(bar === "" ? [] : [paint(bar, "accent")]),
        ...(told === "" ? [] : [told]),
        examples,
      ]
        .join("  ")
        .trimEnd(),
    );
  }

  /** As many labels as fit, spread over the rows; a label is whole or not there, but for the first. */
  #examples(rows: Uint32Array, room: number): string {
    const labels = spread(rows, 12).map((row) => oneLine(this.#options.label(row)));
    let text = "";
    let taken = 0;
    const { more } = this.#glyphs;
    for (const label of labels) {
      const longer = text === "" ? label : `${text}, ${label}`;
      const complete = taken + 1 === rows.length;
      if (displayWidth(longer) > room - (complete ? 0 : more.length + 2)) break;
      text = longer;
      taken++;
    }
    if (taken === rows.length) return text;
    if (text === "") return cut(labels[0]!, room, more);
    return `${text}, ${more}`;
  }

  /** A bar of this share of {@link BAR_CELLS}, never empty, padded to that width. */
  #bar(share: number): string {
    const cells = [...this.#glyphs.bar];
    const steps = Math.max(1, Math.round(share * BAR_CELLS * cells.length));
    const rest = steps % cells.length;
    const bar =
      cells.at(-1)!.repeat(Math.floor(steps / cells.length)) + (rest === 0 ? "" : cells[rest - 1]!);
    return bar.padEnd(BAR_CELLS);
  }
}

/** The start of the text, whole characters only, and `more`; nothing where not even that fits. */
function cut(text: string, room: number, more: string): string {
  let kept = "";
  for (const { segment } of new Intl.Segmenter("en").segment(text)) {
    if (displayWidth(kept + segment) > room - more.length) break;
    kept += segment;
  }
  return kept === "" ? "" : kept + more;
}
