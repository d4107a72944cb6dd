import { clusteredMatrix, createReferenceBackend } from "@tessera/backend-testkit";
import {
  ArgumentError,
  FormatError,
  isMatrix,
  type Matrix,
  NonFiniteError,
  parseSpec,
  sliceRows,
  trainingBackend,
} from "@tessera/core";
import { quantizers } from "@tessera/rq";
import { describe, expect, it } from "vitest";
import { SHORT, smallPlan } from "../test/small.js";
import type { TrainingEvent } from "./events.js";
import { createAutoencoderQuantizers } from "./fit.js";
import { resolveSettings, type TrainingSettings } from "./settings.js";
import { standardOf } from "./standardize.js";
import { holdRows, type RowStream, StreamBatches } from "./stream.js";
import { surveyStream } from "./survey.js";
import { train, type TrainOptions } from "./train.js";

const COLS = 6;

/** Rows that say which they are. */
function numbered(count: number): Matrix {
  const data = Float32Array.from({ length: count * COLS }, (_, i) => Math.floor(i / COLS));
  return { data, rows: count, cols: COLS };
}

/** A stream of a matrix in batches of odd sizes, which counts the rows that were asked for. */
function streamOf(rows: Matrix) {
  const stream = {
    cols: rows.cols,
    given: 0,
    open: 0,
    source: {
      async *[Symbol.asyncIterator]() {
        stream.open++;
        try {
          for (let start = 0; start < rows.rows; start += 7) {
            const batch = sliceRows(rows, start, Math.min(rows.rows, start + 7));
            stream.given += batch.rows;
            yield batch;
          }
        } finally {
          stream.open--;
        }
      },
    },
  };
  return stream;
}

const PLAIN = {
  mean: { data: new Float32Array(COLS), rows: 1, cols: COLS },
  deviation: { data: new Float32Array(COLS).fill(1), rows: 1, cols: COLS },
};

function batchesOf(stream: RowStream, rows: number, changed: { bufferRows?: number } = {}) {
  const settings = { batchSize: 10, bufferRows: 24, holdOut: 0, seed: 3, signal: undefined };
  return new StreamBatches(stream, { ...settings, standard: PLAIN, rows, ...changed });
}

async function rowsOf(batches: StreamBatches, steps: number, from = 0): Promise<number[]> {
  const found: number[] = [];
  for (let step = from; step < from + steps; step++) {
    const { rows } = await batches.at(step);
    for (let i = 0; i < rows.rows; i++) found.push(rows.data[i * COLS]!);
  }
  await batches.close();
  return found;
}

describe("batches of a stream", () => {
  it("visit every row once an epoch, in an order of its own", async () => {
    const all = await rowsOf(batchesOf(streamOf(numbered(120)), 120), 24);
    const epochs = [all.slice(0, 120), all.slice(120)];
    for (const epoch of epochs) {
      expect(epoch.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 120 }, (_, i) => i));
      // No row comes out before it can have gone in.
      epoch.forEach((row, place) => expect(row).toBeLessThan(place + 24));
    }
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  it("go on over the end of an epoch", async () => {
    const all = await rowsOf(batchesOf(streamOf(numbered(95)), 95), 19);
    expect(all.slice(0, 95).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 95 }, (_, i) => i),
    );
  });

  it("hold a buffer of rows and no more, however long the stream is", async () => {
    const READ = 4096;
    const stream = streamOf(numbered(50_000));
    const batches = batchesOf(stream, 50_000, { bufferRows: 200 });
    for (let step = 0; step < 4000; step++) {
      await batches.at(step);
      // What was read and has not come out is held: the buffer, and what is read at a time.
      expect(stream.given - 10 * (step + 1)).toBeLessThanOrEqual(200 + READ + 7);
    }
    expect(stream.open).toBe(1);
    await batches.close();
    expect(stream.open).toBe(0);
  });

  it("are the same from any step on", async () => {
    const whole = await rowsOf(batchesOf(streamOf(numbered(95)), 95), 30);
    for (const step of [1, 9, 10, 25]) {
      const rest = await rowsOf(batchesOf(streamOf(numbered(95)), 95), 30 - step, step);
      expect(rest).toEqual(whole.slice(10 * step));
    }
  });

  it.each([
    ["fewer", 80, "and 80 in epoch 1"],
    ["more", 130, "and more in epoch 1"],
  ])("a stream with %s rows than at first is refused", async (_, rows, message) => {
    const batches = batchesOf(streamOf(numbered(rows)), 95);
    const all = rowsOf(batches, 12);
    await expect(all).rejects.toThrow(ArgumentError);
    await expect(all).rejects.toThrow(message);
  });
});

describe("a survey", () => {
  it("finds the moments of all rows, and a sample of them", async () => {
    const rows = clusteredMatrix(500, COLS, { seed: 2, spread: 0.5 });
    for (const standardize of ["global", "columns", "none"] as const) {
      const settings = resolveSettings({ standardize, reviewRows: 60 });
      const found = await surveyStream(streamOf(rows), settings, 1, undefined);
      expect(found).toMatchObject({ count: 500, total: 500, heldOut: undefined });
      expect(found.trained.rows).toBe(60);
      const standard = standardOf(rows, standardize);
      for (let j = 0; j < COLS; j++) {
        expect(found.standard.mean.data[j]).toBeCloseTo(standard.mean.data[j]!, 5);
        expect(found.standard.deviation.data[j]).toBeCloseTo(standard.deviation.data[j]!, 5);
      }
    }
  });

  it("holds rows out, which batches then leave out", async () => {
    const settings = resolveSettings({ holdOut: 0.25, standardize: "none" });
    const found = await surveyStream(streamOf(numbered(200)), settings, 1, undefined);
    const held = new Set(found.heldOut!.data);
    expect(held.size).toBe(200 - found.count);
    expect(held.size).toBeGreaterThan(30);
    const batches = new StreamBatches(streamOf(numbered(200)), {
      rows: found.count,
      batchSize: found.count,
      bufferRows: 10,
      holdOut: 0.25,
      seed: 1,
      standard: PLAIN,
      signal: undefined,
    });
    const visited = await rowsOf(batches, 1);
    expect(new Set([...visited, ...held]).size).toBe(200);
  });

  it("names a row that is not finite", async () => {
    const rows = numbered(50);
    rows.data[33 * COLS + 2] = Number.NaN;
    const survey = surveyStream(streamOf(rows), resolveSettings({}), 0, undefined);
    await expect(survey).rejects.toThrow(NonFiniteError);
    await expect(survey).rejects.toMatchObject({ row: 33 });
  });
});

describe("training on a stream", () => {
  const rows = clusteredMatrix(300, COLS, { seed: 7, spread: 0.3 });
  const SETTINGS = { bufferRows: 50, reviewRows: 120 };

  function trainOn(
    stream: RowStream,
    settings: Partial<TrainingSettings>,
    options: Partial<TrainOptions> = {},
  ) {
    const backend = trainingBackend(createReferenceBackend());
    return train(stream, {
      plan: smallPlan({ ...SETTINGS, ...settings }),
      backend,
      fitQuantizer: (spec, latents) => quantizers.fit(spec, latents, { backend, seed: 1 }),
      ...options,
    });
  }

  it.each([
    ["plainly", {}],
    ["with held-out rows, averages and dropout", { holdOut: 0.2, codebooks: "ema", dropout: 0.1 }],
  ] as const)("learns, and goes on from a checkpoint to the same bits: %s", async (_, settings) => {
    const saved: Uint8Array[] = [];
    const save = async (bytes: Uint8Array) => void saved.push(bytes);
    const events: TrainingEvent[] = [];
    const stream = streamOf(rows);
    const whole = await trainOn(stream, settings, {
      checkpoint: { every: 13, save },
      onEvent: (event) => events.push(event),
    });
    expect(stream.open).toBe(0);
    expect(events[0]).toMatchObject({ kind: "start", rows: 300, reviewed: 120, streamed: true });
    const first = events.find((event) => event.kind === "review");
    expect(whole.health.relativeDistortion).toBeLessThan(first!.relativeDistortion);
    for (const resume of [saved[0]!, saved[2]!, saved.at(-1)!]) {
      const resumed = await trainOn(streamOf(rows), settings, { resume });
      expect(resumed.parameters).toEqual(whole.parameters);
      expect(resumed.health).toEqual(whole.health);
    }
    // Rows that are others, or end earlier, are another run's.
    const shorter = streamOf(sliceRows(rows, 0, 299));
    await expect(trainOn(shorter, settings, { resume: saved[0]! })).rejects.toThrow(FormatError);
  });

  it("refuses a sample with fewer rows than a codebook has codewords", async () => {
    await expect(trainOn(streamOf(rows), { reviewRows: 7 })).rejects.toThrow(
      "8 codewords need as many reviewRows, not 7",
    );
  });

  it("of no more rows than the buffer is training in memory", async () => {
    const backend = trainingBackend(createReferenceBackend());
    const fit = (bufferRows: number, given: Matrix | AsyncIterable<Matrix>) =>
      createAutoencoderQuantizers({ ...SHORT, bufferRows }).fit(
        parseSpec("ae(12,4)>rq2x8"),
        given,
        { backend, seed: 4 },
      );
    const [matrix, short, long] = await Promise.all([
      fit(1000, rows),
      fit(300, streamOf(rows).source),
      fit(299, streamOf(rows).source),
    ]);
    expect(short!.save()).toEqual(matrix!.save());
    expect(long!.save()).not.toEqual(matrix!.save());
  });
});

describe("rows to hold", () => {
  it("are held up to a number, beyond which they must be readable again", async () => {
    const rows = numbered(40);
    expect(isMatrix((await holdRows(rows, 1, undefined)) as Matrix)).toBe(true);
    const { source } = streamOf(rows);
    expect(await holdRows(source, 40, undefined)).toEqual(rows);
    expect(await holdRows(source, 39, undefined)).toEqual({ source, cols: COLS });
    const once = source[Symbol.asyncIterator]();
    await expect(holdRows(once, 39, undefined)).rejects.toThrow(/read only once/);
  });
});
