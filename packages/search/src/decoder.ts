import { type Codes, type CompleteBackend, type Tensor, type Term } from "@tessera/core";

/** Makes rows of codes on a device, where the model is one that this is quick for. */
export interface DeviceDecoder {
  /** Uploads what decoding needs. */
  open(backend: CompleteBackend): OpenDecoder;
}

export interface OpenDecoder {
  /**
   * Rows `[n, d]`; to be called within a scope.
   *
   * @param packed the scanned columns, as they are kept, `[n, rowBytes]`
   * @param codes the codes of the scanned columns, asked for where the bytes are not enough
   */
  decode(packed: Uint8Array, rows: number, codes: () => Codes): Tensor<"float32">;
  dispose(): void;
}

/** @param columns scanned columns and the bits that each takes there */
export function deviceDecoder(
  terms: readonly Term[] | undefined,
  dimension: number,
  columnBits: readonly number[],
): DeviceDecoder | undefined {
  if (terms === undefined) return undefined;
  return evenDecoder(terms, dimension, columnBits) ?? gatherDecoder(terms, dimension);
}

/** Values evenly spaced in each dimension, as uniform scalar codes and signs are: bytes to rows in one kernel. */
function evenDecoder(
  terms: readonly Term[],
  dimension: number,
  columnBits: readonly number[],
): DeviceDecoder | undefined {
  const bits = columnBits[0];
  if (bits !== 1 && bits !== 2 && bits !== 4 && bits !== 8) return undefined;
  if (columnBits.some((own) => own !== bits) || columnBits.length !== dimension) return undefined;
  if (terms.length !== dimension) return undefined;
  const lower = new Float32Array(dimension);
  const step = new Float32Array(dimension);
  for (const [j, { column, offset, codebook }] of terms.entries()) {
    if (column !== j || offset !== j || codebook.cols !== 1 || !isEven(codebook.data)) {
      return undefined;
    }
    lower[j] = codebook.data[0]!;
    step[j] = codebook.rows > 1 ? codebook.data[1]! - codebook.data[0]! : 0;
    if (codebook.rows > 2) {
      step[j] = (codebook.data.at(-1)! - codebook.data[0]!) / (codebook.rows - 1);
    }
  }
  return {
    open(backend) {
      const tensors = [backend.tensor(lower), backend.tensor(step)] as const;
      return {
        decode: (packed, rows) =>
          backend.scalarDecode(
            backend.borrow(packed, [rows, packed.length / rows]),
            tensors[0],
            tensors[1],
            { bits },
          ),
        dispose: () => tensors.forEach((tensor) => tensor.dispose()),
      };
    },
  };
}

/** Whether levels are those of `lower + code · step`, but for rounding. */
function isEven(levels: Float32Array): boolean {
  const last = levels.length - 1;
  const step = last > 0 ? (levels[last]! - levels[0]!) / last : 0;
  return levels.every((level, code) => {
    const value = levels[0]! + code * step;
    return Math.abs(level - value) <= 2 ** -22 * (Math.abs(levels[0]!) + code * Math.abs(step));
  });
}

/** Codebooks side by side (a product) or one upon another (a sum of levels): gathered by code. */
function gatherDecoder(terms: readonly Term[], dimension: number): DeviceDecoder | undefined {
  const { rows: size = 0, cols = 0 } = terms[0]?.codebook ?? {};
  const isProduct = terms.every(
    ({ column, offset, codebook }, m) =>
      column === m && offset === m * cols && codebook.rows === size && codebook.cols === cols,
  );
  if (isProduct && terms.length * cols === dimension) return productDecoder(terms);
  const isSum = terms.every(
    ({ column, offset, codebook }, m) =>
      column === m && offset === 0 && codebook.cols === dimension,
  );
  return isSum ? sumDecoder(terms) : undefined;
}

function productDecoder(terms: readonly Term[]): DeviceDecoder {
  const { rows: size, cols } = terms[0]!.codebook;
  const joined = new Float32Array(terms.length * size * cols);
  terms.forEach(({ codebook }, m) => joined.set(codebook.data, m * size * cols));
  return {
    open(backend) {
      const codebooks = backend.tensor(joined, [terms.length, size, cols]);
      return {
        decode: (_, rows, codes) => {
          const own = Int32Array.from(codes().data);
          return backend.gather(codebooks, backend.tensor(own, [rows, terms.length]));
        },
        dispose: () => codebooks.dispose(),
      };
    },
  };
}

function sumDecoder(terms: readonly Term[]): DeviceDecoder {
  return {
    open(backend) {
      const codebooks = terms.map(({ codebook }) =>
        backend.tensor(codebook.data, [1, codebook.rows, codebook.cols]),
      );
      return {
        decode(_, rows, codes) {
          const { data, columns } = codes();
          let sum: Tensor<"float32"> | undefined;
          for (const [l, codebook] of codebooks.entries()) {
            const column = new Int32Array(rows);
            for (let i = 0; i < rows; i++) column[i] = data[i * columns + l]!;
            const part = backend.gather(codebook, backend.tensor(column, [rows, 1]));
            sum = sum ? backend.combine(sum, part, 1, 1) : part;
          }
          return sum!;
        },
        dispose: () => codebooks.forEach((codebook) => codebook.dispose()),
      };
    },
  };
}
