import { type CompleteBackend, type Matrix, sliceColumns, type Spec } from "@tessera/core";
import type { View } from "./protocol.js";
import { countCodes, drawnRows, leftOver, nearestCodewords, Scatter, takeRows } from "./scatter.js";

interface Stage {
  readonly rows: Matrix;
  readonly scatter: Scatter;
  codebook: Matrix;
}

/**
 * Draws codebooks while they are being learned: on the rows themselves, on what the levels before leave of them, on a slice of
 * their columns. Behind a transform there is nothing to draw them on before it has been learned.
 */
export class LiveViews {
  readonly #backend: CompleteBackend;
  readonly #spec: Spec;
  readonly #drawn: Uint32Array;
  readonly #rows: Matrix;
  readonly #stages = new Map<string, Stage>();

  constructor(backend: CompleteBackend, spec: Spec, rows: Matrix) {
    this.#backend = backend;
    this.#spec = spec;
    this.#drawn = drawnRows(rows.rows);
    this.#rows = takeRows(rows, this.#drawn);
  }

  /** @param place of the codebook in the spec; none if it is all there is */
  async view(place: string | undefined, codebook: Matrix): Promise<View | undefined> {
    const path = place ?? "";
    let stage = this.#stages.get(path);
    if (!stage) {
      const rows = await this.#rowsAt(this.#spec, path.split(".").filter(Boolean), "", this.#rows);
      if (rows?.cols !== codebook.cols) return undefined;
      stage = { rows, scatter: await Scatter.of(rows, this.#drawn), codebook };
      this.#stages.set(path, stage);
    }
    stage.codebook = { ...codebook, data: codebook.data.slice() };
    const found = await nearestCodewords(this.#backend, stage.rows, stage.codebook);
    const codes = Uint32Array.from(found);
    const counts = countCodes(codes, codebook.rows);
    return stage.scatter.view(
      { title: titleOf(path), term: undefined },
      stage.codebook,
      codes,
      counts,
    );
  }

  /** The rows that the codebook at a path is learned from, as far as is known. */
  async #rowsAt(
    spec: Spec,
    [kind, index, ...rest]: readonly string[],
    before: string,
    rows: Matrix,
  ): Promise<Matrix | undefined> {
    if (kind === undefined) return rows;
    const at = Number(index);
    if (spec.kind === "residual" && kind === "levels") {
      let left = rows;
      for (let l = 0; l < at; l++) {
        const earlier = this.#stages.get(`${before}levels.${l}`);
        if (!earlier) return undefined;
        const codes = await nearestCodewords(this.#backend, left, earlier.codebook);
        left = leftOver(left, earlier.codebook, codes);
      }
      return this.#rowsAt(spec.levels[at]!, rest, `${before}levels.${at}.`, left);
    }
    if (spec.kind === "split" && kind === "groups") {
      const width = rows.cols / spec.groups;
      const slice = sliceColumns(rows, at * width, (at + 1) * width);
      return this.#rowsAt(spec.each, rest, `${before}groups.${at}.`, slice);
    }
    return undefined;
  }
}

function titleOf(path: string): string {
  const level = /levels\.(\d+)$/.exec(path);
  if (level) return `level ${Number(level[1]) + 1}`;
  const group = /groups\.(\d+)$/.exec(path);
  return group ? `group ${Number(group[1]) + 1}` : "codebook";
}
