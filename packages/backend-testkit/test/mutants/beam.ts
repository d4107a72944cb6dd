import { honest, kernels, methods, type Mutant } from "./mutant.js";

/** Codes of one level, and of the levels before it. */
function levelsOf(values: ArrayLike<number>, levels: number): number {
  return values.length / levels;
}

/** Defects of `beamSearch`. */
export const beamMutants: readonly Mutant[] = [
  kernels("one candidate less is kept", "beamSearch: codes and distances", {
    beamSearch: (x, books, dimension, beam) =>
      honest.beamSearch(x, books, dimension, Math.max(1, beam - 1)),
  }),
  kernels("each level's error is the last one's", "beamSearch: codes and distances", {
    beamSearch: (x, books, ...rest) => {
      const found = honest.beamSearch(x, books, ...rest);
      const rows = levelsOf(found.codes, books.length);
      const last = found.distances.length - rows;
      return {
        ...found,
        distances: found.distances.map((_, i) => found.distances[last + (i % rows)]!),
      };
    },
  }),
  kernels("codes are row by row, not level by level", "beamSearch: codes and distances", {
    beamSearch: (x, books, ...rest) => {
      const found = honest.beamSearch(x, books, ...rest);
      const rows = levelsOf(found.codes, books.length);
      const at = (i: number): number => (i % books.length) * rows + Math.floor(i / books.length);
      return { ...found, codes: found.codes.map((_, i) => found.codes[at(i)]!) };
    },
  }),
  kernels("ties go to the highest code", "beamSearch: exact ties", {
    beamSearch: (x, books, dimension, beam) => {
      const backwards = books.map((book) =>
        book.map(
          (_, i) =>
            book[book.length - dimension * (1 + Math.floor(i / dimension)) + (i % dimension)]!,
        ),
      );
      const found = honest.beamSearch(x, backwards, dimension, beam);
      const rows = levelsOf(found.codes, books.length);
      const turned = found.codes.map(
        (code, i) => books[Math.floor(i / rows)]!.length / dimension - 1 - code,
      );
      return { ...found, codes: turned };
    },
  }),
  kernels("the greedy candidate may be dropped", "beamSearch: the candidate of greedy", {
    beamSearch: (x, books, dimension, beam) => {
      const found = honest.beamSearch(x, books, dimension, beam);
      const greedy = honest.beamSearch(x, books, dimension, 1);
      const wider = honest.beamSearch(x, books, dimension, beam + 1);
      const rows = levelsOf(found.codes, books.length);
      // Where greedy encoding is what wins, something else may have taken its place.
      const same = (row: number): boolean =>
        books.every((_, l) => found.codes[l * rows + row] === greedy.codes[l * rows + row]);
      return {
        ...found,
        codes: found.codes.map((code, i) => (same(i % rows) ? wider.codes[i]! : code)),
      };
    },
  }),
  kernels("a common offset swallows the digits", "beamSearch: keeps its accuracy", {
    beamSearch: (x, books, dimension, beam) => {
      // As if products of the rows as they are had been added up in float32.
      const coarse = (data: Float32Array): Float32Array =>
        data.map((value) => (Math.abs(value) < 1000 ? Number(value.toPrecision(4)) : value));
      const { codes } = honest.beamSearch(coarse(x), books, dimension, beam);
      return { ...honest.beamSearch(x, books, dimension, beam), codes };
    },
  }),
  kernels("small values become zero", "beamSearch: magnitudes", {
    beamSearch: (x, ...rest) =>
      honest.beamSearch(
        x.map((value) => (Math.abs(value) < 1e-12 ? 0 : value)),
        ...rest,
      ),
  }),
  kernels("silent NaN", "beamSearch: a row or codeword", {
    beamSearch: (x, ...rest) =>
      honest.beamSearch(
        x.map((value) => (Number.isFinite(Math.fround(value * value)) ? value : 0)),
        ...rest,
      ),
  }),
  kernels("codebooks after the first are not checked", "beamSearch: a row or codeword", {
    beamSearch: (x, books, ...rest) =>
      honest.beamSearch(
        x,
        books.map((book, l) => (l === 0 ? book : book.map((v) => (v * v < 1e38 ? v : 0)))),
        ...rest,
      ),
  }),
  methods("levels of another dimension are taken", "beamSearch: refuses", (backend) => ({
    beamSearch: (x, books, beam) =>
      backend.beamSearch(
        x,
        books.filter((book) => book.shape[2] === x.shape[1]),
        beam,
      ),
  })),
];
