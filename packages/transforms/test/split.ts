import {
  addTerms,
  batchesOf,
  checkCodes,
  Codes,
  isMatrix,
  type Matrix,
  type Model,
  type QuantizerPart,
  type Rows,
  saveModel,
  type SplitSpec,
} from "@tessera/core";

function columns({ data, rows, cols }: Matrix, start: number, end: number): Matrix {
  const width = end - start;
  const cut = Float32Array.from(
    { length: rows * width },
    (_, at) => data[Math.floor(at / width) * cols + start + (at % width)]!,
  );
  return { data: cut, rows, cols: width };
}

/** The plainest product of codebooks: enough for a transform to have groups behind it. */
function product(spec: SplitSpec, groups: readonly Model[]): Model<SplitSpec> {
  const width = groups[0]!.dimension;
  const model: Model<SplitSpec> = {
    spec,
    dimension: groups.length * width,
    cardinalities: groups.flatMap(({ cardinalities }) => cardinalities),
    prefixes: [groups.length],
    terms: groups.flatMap(({ terms }, column) =>
      terms!.map(({ codebook }) => ({ column, offset: column * width, codebook })),
    ),
    async encode(rows, options) {
      const codes: number[] = [];
      for await (const batch of batchesOf(rows, 1000)) {
        const parts = await Promise.all(
          groups.map((group, m) =>
            group.encode(columns(batch, m * width, (m + 1) * width), options),
          ),
        );
        for (let i = 0; i < batch.rows; i++) for (const part of parts) codes.push(part.data[i]!);
      }
      return new Codes(codes, model.cardinalities);
    },
    async decode(codes) {
      const { rows } = checkCodes(model, codes);
      const decoded = {
        data: new Float32Array(rows * model.dimension),
        rows,
        cols: model.dimension,
      };
      addTerms(decoded, model.terms!, codes);
      return decoded;
    },
    state: () => ({
      tensors: Object.assign(
        {},
        ...groups.map((group, m) => ({
          [`groups.${m}.codebook`]: group.state().tensors["codebook"]!,
        })),
      ),
    }),
    save: () => saveModel(model),
  };
  return model;
}

export const plainSplitPart: QuantizerPart<"split"> = {
  kind: "split",
  async fit(spec, rows, context) {
    const held = await matrixOf(rows);
    const width = held.cols / spec.groups;
    const groups: Model[] = [];
    for (let m = 0; m < spec.groups; m++) {
      const slice = columns(held, m * width, (m + 1) * width);
      groups.push(await context.fit(spec.each, slice, `groups.${m}`));
    }
    return product(spec, groups);
  },
  restore: (spec, state, context) =>
    product(
      spec,
      Array.from({ length: spec.groups }, (_, m) =>
        context.restore(spec.each, state.child(`groups.${m}`)),
      ),
    ),
};

async function matrixOf(rows: Rows): Promise<Matrix> {
  if (isMatrix(rows)) return rows;
  const values: number[] = [];
  let cols = 1;
  for await (const batch of rows) {
    cols = batch.cols;
    for (const value of batch.data) values.push(value);
  }
  return { data: Float32Array.from(values), rows: values.length / cols, cols };
}
