import { createReferenceBackend } from "@tessera/backend-testkit";
import {
  BackendError,
  type ComputeBackend,
  evaluate,
  FormatError,
  decodeSafetensors,
  encodeSafetensors,
  type Model,
  NonFiniteError,
  SpecError,
} from "@tessera/core";
import { describe, expect, it } from "vitest";
import { SHORT, smallRows } from "../test/small.js";
import type { Autoencoder } from "./autoencoder.js";
import { createAutoencoderQuantizers, fitRqvae } from "./fit.js";

const rows = smallRows();
const backend = createReferenceBackend();
const fit = (spec: string, settings = {}) =>
  createAutoencoderQuantizers({ ...SHORT, ...settings }).fit(spec, rows, { backend, seed: 2 });

describe("an RQ-VAE is a model like any other", () => {
  it.each([
    ["ae(12,4)>rq2x8", {}],
    ["ae(12,4)>vq8", { activation: "gelu", norm: "layer" }],
    ["ae(12,4)>rq2x8", { activation: "silu", norm: "batch" }],
    ["ae(12,4)>split2(rq2x4)", { activation: "silu" }],
    ["ae(12,4)>pq2x8", { standardize: "columns" }],
    ["ae(12,6)>rq2x8", { skip: true }],
    ["ae(12,4)>rq3x4", { reconstruction: "normalized", standardize: "none", onCollapse: "report" }],
  ])("%s is fitted, saved and loaded", async (spec, settings) => {
    const model = await fit(spec, settings);
    const loaded = createAutoencoderQuantizers().load(model.save());
    expect(loaded.spec).toEqual(model.spec);
    const codes = await model.encode(rows, { backend });
    expect((await loaded.encode(rows, { backend })).data).toEqual(codes.data);
    const decoded = await model.decode(codes, { backend });
    expect((await loaded.decode(codes, { backend })).data).toEqual(decoded.data);
    expect(loaded.save()).toEqual(model.save());
    expect(model.terms).toBeUndefined();
  });

  it("can be looked at while it is trained, as a model that was measured", async () => {
    let measured = 0;
    const seen: number[] = [];
    const settings = {
      onEvent: (event: { kind: string; relativeDistortion?: number }) => {
        measured = event.relativeDistortion ?? measured;
      },
      onReview: async (modelOf: () => Promise<Model>) => {
        const model = await modelOf();
        const { relativeDistortion } = await evaluate(model, rows, { backend });
        expect(relativeDistortion).toBeCloseTo(measured, 4);
        seen.push(relativeDistortion);
      },
    };
    const looked = await fit("ae(12,4)>rq2x8", settings);
    expect(seen.length).toBeGreaterThan(1);
    // Looking changes nothing.
    expect(looked.save()).toEqual((await fit("ae(12,4)>rq2x8")).save());
  });

  it("loses of rows what training measured", async () => {
    let relative = 0;
    const onEvent = (event: { kind: string; relativeDistortion?: number }) => {
      relative = event.relativeDistortion ?? relative;
    };
    const model = await fitRqvae(rows, {
      ...SHORT,
      levels: 2,
      codebookSize: 8,
      widths: [12, 4],
      backend,
      onEvent,
    });
    const { relativeDistortion, distortionPerLevel } = await evaluate(model, rows, { backend });
    expect(relativeDistortion).toBeCloseTo(relative, 4);
    expect(distortionPerLevel).toHaveLength(2);
  });

  it("names a row that is not finite, be it NaN or infinite", async () => {
    const model = await fit("ae(12,4)>rq2x8");
    for (const value of [NaN, Infinity, -Infinity]) {
      const data = rows.data.slice();
      data[40 * 6 + 2] = value;
      await expect(model.encode({ ...rows, data }, { backend })).rejects.toMatchObject({ row: 40 });
      await expect(model.encode({ ...rows, data }, { backend })).rejects.toThrow(NonFiniteError);
    }
  });

  it("encodes on a backend that cannot train", async () => {
    const model = await fit("ae(12,4)>rq2x8");
    const minimal = createReferenceBackend({ minimal: true });
    const codes = await model.encode(rows, { backend: minimal });
    expect(codes.data).toEqual((await model.encode(rows, { backend })).data);
    const smooth = await fit("ae(12,4)>rq2x8", { activation: "gelu" });
    await expect(smooth.encode(rows, { backend: minimal })).rejects.toThrow(BackendError);
  });
});

describe("what it refuses", () => {
  it("quantizers whose codebooks cannot be trained so", async () => {
    for (const spec of [
      "ae(12,4)>sq8",
      "ae(12,4)>vq8(metric=cosine)",
      "ae(12,4)>vq8+pq2x4",
      "ae(12,4)>split2(vq8,shared=true)",
      "ae(12,4)>rq2x8(shared=true)",
      "ae(12,4)>aq2x8",
    ]) {
      await expect(fit(spec)).rejects.toThrow(SpecError);
    }
  });

  it("a backend that cannot train", async () => {
    const minimal: ComputeBackend = createReferenceBackend({ minimal: true });
    const { fit: fitOn } = createAutoencoderQuantizers(SHORT);
    await expect(fitOn("ae(12,4)>rq2x8", rows, { backend: minimal })).rejects.toThrow(
      /cannot train/,
    );
  });

  it("files whose autoencoder is not whole", async () => {
    const { tensors, metadata } = decodeSafetensors((await fit("ae(12,4)>rq2x8")).save());
    const { load } = createAutoencoderQuantizers();
    for (const name of ["mean", "encoder.1.weight", "decoder.0.bias"]) {
      const rest = new Map(tensors);
      expect(rest.delete(`transform.${name}`)).toBe(true);
      expect(() => load(encodeSafetensors(rest, metadata))).toThrow(FormatError);
    }
    expect(() => load(encodeSafetensors(tensors, { ...metadata, facts: "{}" }))).toThrow(
      /activation/,
    );
    const narrow = { ...metadata, spec: metadata["spec"]!.replace("[12,4]", "[12,3]") };
    expect(() => load(encodeSafetensors(tensors, narrow))).toThrow(FormatError);
  });
});

it("its parts tell what they are", async () => {
  const model = (await fit("ae(12,4)>rq2x8")) as unknown as { transform: Autoencoder };
  expect(model.transform.parts.encoder.map(({ weight }) => [weight.rows, weight.cols])).toEqual([
    [12, 6],
    [4, 12],
  ]);
});
