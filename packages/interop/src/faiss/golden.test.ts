import { printSpec, sliceRows } from "@tessera/core";
import { type PqModel, tableDistances } from "@tessera/pq";
import { describe, expect, it } from "vitest";
import { agrees } from "../../test/against-faiss.js";
import { GOLDEN, readExpected, readIndexFile } from "../../test/fixtures.js";
import { readFaiss, writeFaiss, writeFaissFlat } from "../index.js";

const expected = readExpected(GOLDEN);
const names = Object.keys(expected.cases);

/** faiss' classes, and what they are here. */
const FORMS: Readonly<Record<string, readonly [description: string, spec?: string]>> = {
  "flat-l2": ["IndexFlatL2"],
  "flat-ip": ["IndexFlatIP"],
  pq: ["IndexPQ", "pq2x8"],
  "pq-ip": ["IndexPQ", "pq2x8"],
  "pq-one-group": ["IndexPQ", "vq8"],
  rq: ["IndexResidualQuantizer", "vq8+vq4+vq8"],
  "rq-greedy": ["IndexResidualQuantizer", "rq2x8"],
  "rq-norms": ["IndexResidualQuantizer", "rq2x8"],
  "rq-norms8": ["IndexResidualQuantizer", "rq2x8"],
  sq8: ["IndexScalarQuantizer", "sq8"],
  sq6: ["IndexScalarQuantizer", "sq6"],
  sq4: ["IndexScalarQuantizer", "sq4"],
  "sq8-uniform": ["IndexScalarQuantizer", "sq8(shared=true)"],
  "sq4-uniform": ["IndexScalarQuantizer", "sq4(shared=true)"],
  fp16: ["IndexScalarQuantizer", "fp16"],
  bf16: ["IndexScalarQuantizer", "bf16"],
  opq: ["IndexPreTransform(LinearTransform > IndexPQ)", "opq2x8"],
  pca: ["IndexPreTransform(PCAMatrix > IndexPQ)", "pca4>pq2x8"],
  "pca-white": ["IndexPreTransform(PCAMatrix > IndexPQ)", "pca8(whiten=true)>pq2x8"],
  chain: [
    "IndexPreTransform(CenteringTransform > NormalizationTransform > RandomRotationMatrix > IndexScalarQuantizer)",
    "center>normalize>rotation>sq8",
  ],
  ivfpq: ["IndexIVFPQ", "vq4+pq2x8"],
  "ivfpq-ids": ["IndexIVFPQ", "vq4+pq2x8"],
  "ivfpq-ip": ["IndexIVFPQ", "vq4(metric=ip)+pq2x8"],
  "ivfpq-whole-rows": ["IndexIVFPQ", "pq2x8"],
  ivfsq: ["IndexIVFScalarQuantizer", "vq4+sq8"],
  ivfflat: ["IndexIVFFlat"],
  "opq-ivfpq": ["IndexPreTransform(LinearTransform > IndexIVFPQ)", "opq>vq4+pq2x8"],
  idmap: ["IndexIDMap2(IndexPQ)", "pq2x8"],
  refine: ["IndexRefine(IndexPQ, IndexFlatL2)", "pq2x8"],
};

describe("a file that faiss 1.15 wrote", () => {
  it("comes in every form that is known", () => expect(names).toEqual(Object.keys(FORMS)));

  it.each(names)("%s: faiss' codes, and what it finds", async (name) => {
    const found = await agrees(readIndexFile(GOLDEN, name), expected, expected.cases[name]!);
    const [description, spec] = FORMS[name]!;
    expect(found.description).toBe(description);
    expect(found.model && printSpec(found.model.spec)).toBe(spec);
    expect(found.metric).toBe(name.endsWith("ip") ? "ip" : "l2");
    expect(found.rows !== undefined).toBe(/flat|refine/.test(name));
    expect(found.lists !== undefined).toBe(/ivf/.test(name));
    if (found.lists) expect(found.lists.assignments).toHaveLength(found.count);
  });

  it.each(["flat-l2", "flat-ip", "pq", "pq-ip", "pq-one-group", "opq", "fp16", "bf16", "ivfpq"])(
    "%s is written the same, to the byte",
    (name) => {
      const bytes = new Uint8Array(readIndexFile(GOLDEN, name));
      const { model, rows, ...rest } = readFaiss(bytes);
      expect(model ? writeFaiss(model, rest) : writeFaissFlat(rows!, rest)).toEqual(bytes);
    },
  );

  it.each(names.filter((name) => !/flat|refine|whole-rows/.test(name)))(
    "%s is what it was after a way out and back",
    async (name) => {
      const before = readFaiss(readIndexFile(GOLDEN, name));
      const { codes, ids, metric, model } = before;
      const after = readFaiss(writeFaiss(model!, { codes, ids, metric }));
      expect(after.codes).toEqual(codes);
      expect(after.ids).toEqual(ids);
      expect(after.model!.spec).toEqual(model!.spec);
      const { rows } = expected;
      expect(await after.model!.encode(rows)).toEqual(await model!.encode(rows));
    },
  );

  it("pq: distances by look-up tables are those of faiss", () => {
    const { model, codes } = readFaiss(readIndexFile(GOLDEN, "pq"));
    const { labels, distances } = expected.cases["pq"]!;
    labels.forEach((row, q) => {
      const query = sliceRows(expected.queries, q, q + 1).data;
      const own = tableDistances((model as PqModel).distanceTables(query), codes!);
      row.forEach((label, place) => expect(own[label]).toBeCloseTo(distances[q]![place]!, 4));
    });
  });

  it.each([
    [5, 0],
    [8, -128],
  ])("scalar type %i takes whole numbers from %i as they are", async (type, lowest) => {
    // As QT_8bit_uniform, but without a range.
    const uniform = readIndexFile(GOLDEN, "sq8-uniform");
    const direct = Buffer.concat([uniform.subarray(0, 65), Buffer.alloc(8), uniform.subarray(81)]);
    direct[37] = type;
    const { model, codes } = readFaiss(direct);
    const decoded = await model!.decode(codes!);
    expect([...decoded.data]).toEqual([...codes!.data].map((code) => code + lowest));
    expect(await model!.encode(decoded)).toEqual(codes);
  });

  it("has ids in order, each with its own codes", () => {
    const { ids } = readFaiss(readIndexFile(GOLDEN, "ivfpq-ids"));
    expect([...ids!]).toEqual(Array.from({ length: 40 }, (_, i) => BigInt(7 + 3 * i)));
  });

  it("has ids in the order of the rows where there are no lists", () => {
    const { ids } = readFaiss(readIndexFile(GOLDEN, "idmap"));
    expect([...ids!]).toEqual(Array.from({ length: 40 }, (_, i) => BigInt(7 + 3 * (39 - i))));
  });
});
