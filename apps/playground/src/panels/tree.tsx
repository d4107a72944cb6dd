import { Codes } from "@tessera/core";
import { formatTokens, PrefixTree } from "@tessera/semantic-ids";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Dataset, labelOf } from "../data/dataset.js";
import type { Result } from "../engine/protocol.js";
import { store } from "../state/store.js";
import { About } from "../views/about.js";

const MOST_COLUMNS = 8;
const CHILDREN = 12;
const ITEMS = 40;
const MOST_FOUND = 6;

/** The prefixes of all codes: a press on one shows what is under it, on an item its path and neighbours. */
export function TreePanel() {
  const result = store.result.value;
  const dataset = store.dataset.value;
  const tree = useMemo(() => {
    if (!result || result.cardinalities.length > MOST_COLUMNS) return undefined;
    return new PrefixTree(new Codes(result.codes, result.cardinalities));
  }, [result]);
  if (!result || !dataset) return null;
  return (
    <section aria-labelledby="tree-title">
      <h2 id="tree-title">Semantic IDs</h2>
      <About guide="recommender.html" topic="Semantic IDs">
        Items whose codes begin alike are alike, so a recommender can learn to write them, code by
        code.
      </About>
      <Finder dataset={dataset} />
      <Selected result={result} dataset={dataset} />
      {tree ? (
        <Branches tree={tree} prefix={[]} result={result} dataset={dataset} />
      ) : (
        <p class="note">
          {result.cardinalities.length} columns are too many for a tree; Semantic IDs have a few,
          from coarse to fine.
        </p>
      )}
    </section>
  );
}

interface BranchProps {
  readonly tree: PrefixTree;
  readonly prefix: readonly number[];
  readonly result: Result;
  readonly dataset: Dataset;
}

function Branches({ tree, prefix, result, dataset }: BranchProps) {
  const [all, setAll] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  // The button for more goes; the focus goes to what came in its place.
  useEffect(() => {
    if (all) list.current?.children[CHILDREN]?.querySelector("summary")?.focus();
  }, [all]);
  if (prefix.length === result.cardinalities.length)
    return <Items rows={tree.itemsUnder(prefix)} dataset={dataset} />;
  const children = [...tree.childrenOf(prefix)]
    .map((code) => ({ path: [...prefix, code], count: tree.count([...prefix, code]) }))
    .sort((a, b) => b.count - a.count);
  const shown = all ? children : children.slice(0, CHILDREN);
  return (
    <ul class="tree" ref={list}>
      {shown.map(({ path, count }) => (
        <Branch
          key={path.join()}
          tree={tree}
          prefix={path}
          count={count}
          result={result}
          dataset={dataset}
        />
      ))}
      {children.length > shown.length && (
        <li>
          <button type="button" class="plain" onClick={() => setAll(true)}>
            {children.length - shown.length} more
          </button>
        </li>
      )}
    </ul>
  );
}

function Branch(props: BranchProps & { readonly count: number }) {
  const { tree, prefix, count, dataset } = props;
  const [open, setOpen] = useState(false);
  const some = Array.from(tree.itemsUnder(prefix).slice(0, 5), (row) => labelOf(dataset, row));
  return (
    <li>
      <details open={open} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <code>{formatTokens(prefix)}</code> <b>{count}</b>{" "}
          <span class="some">{some.join(", ")}</span>
        </summary>
        {open && <Branches {...props} />}
      </details>
    </li>
  );
}

function Items({ rows, dataset }: { readonly rows: Uint32Array; readonly dataset: Dataset }) {
  return (
    <ul class="items">
      {Array.from(rows.slice(0, ITEMS), (row) => (
        <li>
          <button type="button" class="plain" onClick={() => store.select(row)}>
            {labelOf(dataset, row)}
          </button>
        </li>
      ))}
      {rows.length > ITEMS && <li class="note">and {rows.length - ITEMS} more</li>}
    </ul>
  );
}

/** Finds an item by a part of its name, or a row by its number. */
function Finder({ dataset }: { readonly dataset: Dataset }) {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const found: number[] = [];
  if (wanted !== "") {
    for (let row = 0; row < dataset.rows.rows && found.length < MOST_FOUND; row++) {
      if (labelOf(dataset, row).toLowerCase().includes(wanted)) found.push(row);
    }
  }
  return (
    <div class="finder">
      <label class="field wide">
        <span>find an item</span>
        <input
          type="search"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      {wanted !== "" && <Items rows={Uint32Array.from(found)} dataset={dataset} />}
    </div>
  );
}

function Selected({ result, dataset }: { readonly result: Result; readonly dataset: Dataset }) {
  const row = store.selected.value;
  const near = store.neighbours.value;
  const box = useRef<HTMLDivElement>(null);
  if (row === undefined) return null;
  const columns = result.cardinalities.length;
  const codes = [...result.codes.subarray(row * columns, (row + 1) * columns)];
  const names = (rows: Uint32Array) => (
    <ol>
      {[...rows].map((other) => (
        <li>
          <button
            type="button"
            class="plain"
            onClick={() => {
              store.select(other);
              // Its neighbours take the place of these.
              box.current?.focus();
            }}
          >
            {labelOf(dataset, other)}
          </button>
        </li>
      ))}
    </ol>
  );
  return (
    <div class="selected" id="selected" tabIndex={-1} ref={box}>
      <p role="status">
        <b>{labelOf(dataset, row)}</b>{" "}
        <code>{columns <= MOST_COLUMNS ? formatTokens(codes) : codes.slice(0, 16).join(" ")}</code>
      </p>
      {near?.row === row && (
        <div class="pair tight">
          <div>
            <h3>Nearest by vector</h3>
            {names(near.byVector)}
          </div>
          <div>
            <h3>Nearest by code</h3>
            {names(near.byCode)}
          </div>
        </div>
      )}
    </div>
  );
}
