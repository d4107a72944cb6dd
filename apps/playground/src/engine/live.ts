import { type CompleteBackend, type Matrix, sliceColumns, type Spec } from "@tessera/core";
import type { View } from "./protocol.js";
import { countCodes, drawnRows, leftOver, nearestCodewords, Scatter, takeRows } from "./scatter.js";

interface Stage {
  readonly rows: Matrix;
  readonly scatter: Scatter;
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
  /** The last codebook of each place. */
  readonly #codebooks = new Map<string, Matrix>();

  constructor(backend: CompleteBackend, spec: Spec, rows: Matrix) {
    this.#backend = backend;
    this.#spec = spec;
    this.#drawn = drawnRows(rows.rows);
    this.#rows = takeRows(rows, this.#drawn);
  }

  /** @param place of the codebook in the spec; none if it is all there is */
  note(place: string | undefined, codebook: Matrix): void {
    this.#codebooks.set(place ?? "", { ...codebook, data: codebook.data.slice() });
  }

  /** What was last noted of a place, on the rows that it is learned from. */
  async view(place: string | undefined): Promise<View | undefined> {
    const path = place ?? "";
    const codebook = this.#codebooks.get(path)!;
    let stage = this.#stages.get(path);
    if (!stage) {
      const rows = await this.#rowsAt(this.#spec, path.split(".").filter(Boolean), "", this.#rows);
      if (rows?.cols !== codebook.cols) return undefined;
      stage = { rows, scatter: await Scatter.of(rows, this.#drawn) };
      this.#stages.set(path, stage);
    }
    const codes = await nearestCodewords(this.#backend, stage.rows, codebook);
    const nearest =
      stage.rows === this.#rows
        ? await nearestCodewords(this.#backend, codebook, stage.rows)
        : undefined;
    const about = { title: titleOf(path), term: undefined };
    return stage.scatter.view(about, codebook, codes, countCodes(codes, codebook.rows), nearest);
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
        const codebook = this.#codebooks.get(`${before}levels.${l}`);
        if (codebook?.cols !== left.cols) return undefined;
        left = leftOver(left, codebook, await nearestCodewords(this.#backend, left, codebook));
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
