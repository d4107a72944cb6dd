import { type Matrix, type Model, Codes } from "@tessera/core";
import { VqModel } from "@tessera/vq";

/** Codebooks of full dimension, whose codewords add up to a row. */
export type Codebooks = readonly Matrix[];

export function vqLevels(codebooks: Codebooks): VqModel[] {
  return codebooks.map(
    (codebook) => new VqModel({ kind: "vq", codebookSize: codebook.rows }, codebook),
  );
}

/**
 * The codebooks `[K, d]`, one for each column of codes, of any model whose reconstruction is a sum of one vector for each
 * code, up to a rotation or another affine map: what a code changes when all others are 0. A product quantizer gives its
 * codebooks filled up with zeros; OPQ, those turned back.
 */
export async function additiveCodebooks(model: Model): Promise<Codebooks> {
  const { cardinalities, dimension: d } = model;
  const total = cardinalities.reduce((sum, size) => sum + size, 0);
  const table = new Uint32Array(total * cardinalities.length);
  let row = 0;
  cardinalities.forEach((size, column) => {
    for (let k = 0; k < size; k++, row++) table[row * cardinalities.length + column] = k;
  });
  const { data } = await model.decode(new Codes(table, cardinalities));
  const origin = data.subarray(0, d);
  let at = 0;
  return cardinalities.map((size, column) => {
    const codebook = data.slice(at, (at += size * d));
    // The first codebook keeps what all codes at 0 stand for.
    if (column > 0) for (let i = 0; i < codebook.length; i++) codebook[i]! -= origin[i % d]!;
    return { data: codebook, rows: size, cols: d };
  });
}

/**
 * The same sums, from coarse to fine: all codebooks but the first have the mean 0, which goes to the first one, and those
 * with the largest variance come first. So the first columns of codes say as much as they can, and a beam search decides
 * first what matters most. Codebooks of several sizes keep their order, which is the spec's.
 */
export function coarseToFine(codebooks: Codebooks): Codebooks {
  const means = codebooks.map(meanOf);
  const variances = codebooks.map(({ data, rows, cols }, l) => {
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += (data[i]! - means[l]![i % cols]!) ** 2;
    return sum / rows;
  });
  const order = codebooks.map((_, l) => l);
  if (codebooks.every(({ rows }) => rows === codebooks[0]!.rows)) {
    order.sort((a, b) => variances[b]! - variances[a]!);
  }
  return order.map((from, to) => {
    const { data, rows, cols } = codebooks[from]!;
    const shift = means[from]!.map((mean, j) => {
      const all = means.reduce((sum, other) => sum + other[j]!, 0);
      return to === 0 ? all - mean : -mean;
    });
    return { data: data.map((value, i) => value + shift[i % cols]!), rows, cols };
  });
}

function meanOf({ data, rows, cols }: Matrix): Float64Array {
  const mean = new Float64Array(cols);
  for (let i = 0; i < data.length; i++) mean[i % cols]! += data[i]! / rows;
  return mean;
}
