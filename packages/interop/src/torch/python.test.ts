import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { matrix, Random } from "@tessera/core";
import { decodeNpy, encodeNpy } from "@tessera/io";
import { afterAll, describe, expect, it } from "vitest";
import { pythonWith, runPython } from "../../test/python.js";
import { quantizers } from "../../test/quantizers.js";
import { writeVectorQuantizePytorch } from "../index.js";

const random = new Random(3);
const rows = matrix(
  Float32Array.from({ length: 120 * 8 }, () => random.normal()),
  8,
);
const folder = mkdtempSync(join(tmpdir(), "tessera-interop-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const torch = pythonWith("torch", "vector_quantize_pytorch", "safetensors");

describe.skipIf(torch === undefined)(
  "vector-quantize-pytorch loads (needs Python with it and safetensors)",
  () => {
    const heads = { dim: 8, heads: 2, codebook_dim: 4, separate_codebook_per_head: true };
    it.each([
      ["vq16", "VectorQuantize", { dim: 8, codebook_size: 16 }],
      [
        "vq16(metric=cosine)",
        "VectorQuantize",
        { dim: 8, codebook_size: 16, use_cosine_sim: true },
      ],
      ["pq2x16", "VectorQuantize", { ...heads, codebook_size: 16 }],
      ["vq16+vq8", "ResidualVQ", { dim: 8, codebook_size: [16, 8], num_quantizers: 2 }],
      ["rq3x8", "ResidualVQ", { dim: 8, codebook_size: 8, num_quantizers: 3 }],
      [
        "split2(rq2x8)",
        "GroupedResidualVQ",
        { dim: 8, groups: 2, codebook_size: 8, num_quantizers: 2 },
      ],
    ])("%s as %s, and gives the same codes", async (spec, kind, options) => {
      const model = await quantizers.fit(spec, rows);
      writeFileSync(join(folder, "x.safetensors"), writeVectorQuantizePytorch(model));
      writeFileSync(join(folder, "rows.npy"), encodeNpy(rows.data, [rows.rows, rows.cols]));
      const codes = JSON.parse(
        runPython(torch!, [
          fileURLToPath(new URL("../../test/encode_torch.py", import.meta.url)),
          join(folder, "x.safetensors"),
          join(folder, "rows.npy"),
          kind,
          JSON.stringify(options),
        ]),
      ) as number[][];
      const own = await model.encode(rows);
      expect(codes).toEqual(Array.from({ length: rows.rows }, (_, i) => [...own.row(i)]));
    });
  },
);

describe("the Python in this package's README", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const fences = [...readme.matchAll(/^```python\b.*\n([^]*?)^```$/gm)].map(([, code]) => code!);
  const modules = (code: string) =>
    [...code.matchAll(/^(?:from|import) (\w+)/gm)].map((m) => m[1]!);

  it("is short", () => {
    expect(fences).toHaveLength(2);
    for (const code of fences) expect(code.trim().split("\n").length).toBeLessThanOrEqual(12);
  });

  for (const code of fences) {
    const needed = modules(code);
    const python = pythonWith(...needed);
    it.skipIf(python === undefined)(
      `decodes our codes (needs Python with ${needed.join(", ")})`,
      async () => {
        const model = await quantizers.fit("rq3x8", rows);
        const codes = await model.encode(rows);
        writeFileSync(join(folder, "model.safetensors"), model.save());
        const shape = [codes.rows, codes.columns];
        writeFileSync(join(folder, "codes.npy"), encodeNpy(codes.data, shape));
        const lines = [
          "import os",
          `os.chdir(${JSON.stringify(folder)})`,
          code,
          'np.save("decoded.npy", decoded)',
        ];
        writeFileSync(join(folder, "snippet.py"), lines.join("\n"));
        runPython(python!, [join(folder, "snippet.py")]);
        const { data } = decodeNpy(readFileSync(join(folder, "decoded.npy")), "decoded.npy");
        const decoded = await model.decode(codes);
        decoded.data.forEach((value, at) => expect(Number(data[at])).toBeCloseTo(value, 5));
      },
    );
  }
});
