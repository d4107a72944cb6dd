import { formatToken } from "@tessera/semantic-ids";
import { grouped, percent } from "../text.js";
import type { ReportData } from "./data.js";
import { bar } from "./distortion.js";
import { majority, spread } from "./figures.js";
import type { Html } from "./html.js";
import { html } from "./html.js";

/** Catalogues up to this size are shown whole; of larger ones, the largest branches. */
const WHOLE = 5000;
const LIMITS = { children: [40, 12, 6], items: 5 } as const;
const EXAMPLES = 5;

/** The prefix tree, to be opened branch by branch. */
export function treeSection(data: ReportData): Html {
  const { tree } = data;
  const whole = tree.rows.length <= WHOLE;
  return html`<section>
    <h2>The Semantic-ID tree</h2>
    <p>
      Items by their codes, from coarse to fine; the largest branches first.
      ${whole ? "" : "Of a catalogue of this size, only the largest branches are shown."}
    </p>
    <div class="tree">
      ${new TreeSection(data, whole).branches(0, 0, tree.nodes[0]!.codes.length)}
    </div>
  </section>`;
}

class TreeSection {
  readonly #data: ReportData;
  readonly #whole: boolean;

  constructor(data: ReportData, whole: boolean) {
    this.#data = data;
    this.#whole = whole;
  }

  /** The sibling nodes from..to − 1 of `depth`. */
  branches(depth: number, from: number, to: number): Html {
    const { itemStarts } = this.#data.tree.nodes[depth]!;
    const size = (node: number) => itemStarts[node + 1]! - itemStarts[node]!;
    const siblings = Array.from({ length: to - from }, (_, i) => from + i).sort(
      (a, b) => size(b) - size(a) || a - b,
    );
    const limit = this.#whole ? Infinity : (LIMITS.children[depth] ?? LIMITS.children.at(-1)!);
    const shown = siblings.slice(0, limit);
    const largest = size(siblings[0]!);
    // Branches of one item need no heading of their own: they are a list.
    const single = shown.filter((node) => size(node) === 1);
    const several = shown.filter((node) => size(node) > 1);
    const hidden = siblings.slice(shown.length);
    return html`${several.map((node) => this.#branch(depth, node, size(node) / largest))}${
      single.length === 0
        ? undefined
        : this.#items(single.map((node) => this.#data.tree.rows[itemStarts[node]!]!))
    }${
      hidden.length === 0
        ? undefined
        : more(
            hidden.length,
            "branch",
            "branches",
            hidden.reduce((sum, node) => sum + size(node), 0),
          )
    }`;
  }

  #branch(depth: number, node: number, share: number): Html {
    const { tree, groups } = this.#data;
    const { codes, itemStarts, childStarts } = tree.nodes[depth]!;
    const rows = tree.rows.subarray(itemStarts[node]!, itemStarts[node + 1]!);
    const main = groups === undefined ? undefined : majority(rows, groups.values);
    const examples = spread(rows, EXAMPLES).map((row) => this.#data.label(row));
    const inner =
      depth + 1 < tree.levels
        ? this.branches(depth + 1, childStarts[node]!, childStarts[node + 1]!)
        : this.#items([...rows]);
    return html`<details>
      <summary>
        <span class="code">${formatToken(depth, codes[node]!)}</span>${bar(share)}<span class="n"
          >${grouped(rows.length)}</span
        ><span class="some"
          >${main === undefined ? "" : `${main.value} ${percent(main.share)} · `}${examples.join(
            ", ",
          )}</span
        >
      </summary>
      ${inner}
    </details>`;
  }

  #items(rows: readonly number[]): Html {
    const shown = this.#whole ? rows : rows.slice(0, LIMITS.items);
    return html`<ul>
        ${shown.map(
          (row) =>
            html`<li>
              <span class="code">${this.#data.ids.tokens(row).join("")}</span
              ><span>${this.#data.label(row)}</span>
            </li>`,
        )}
      </ul>
      ${
        shown.length === rows.length
          ? undefined
          : more(rows.length - shown.length, "item", "items", undefined)
      }`;
  }
}

function more(count: number, one: string, many: string, items: number | undefined): Html {
  return html`<div class="more">
    … ${grouped(count)} more
    ${count === 1 ? one : many}${items === undefined ? "" : ` (${grouped(items)} items)`}
  </div>`;
}
