import { pickBackend } from "@tessera/backend";
import {
  AbortedError,
  type CompleteBackend,
  type Quantizers,
  type Rows,
  sliceRows,
  throwIfAborted,
} from "@tessera/core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { clusteredRows, quantizers } from "../../test/models.js";
import { createIndex, exactSearch, recallAt } from "../index.js";
import { holdOut } from "./hold-out.js";
import { recommend, type Recommendation, type RecommendOptions } from "./recommend.js";

const rows = clusteredRows(2400, 24);
let backend: CompleteBackend;
beforeAll(async () => {
  backend = await pickBackend({ name: "cpu", threads: 1 });
});
afterAll(() => backend.dispose());

const FEW = ["sq8", "pq4x16", "pq12x16", "sign", "pq6x256"].map((spec) => ({ spec }));
const run = (
  options: RecommendOptions,
  from: Rows = rows,
  by: Pick<Quantizers, "fit"> = quantizers,
) => recommend(from, by, { backend, budget: Infinity, ...options });

/** What must be the same in every run. */
const figures = (found: Recommendation) =>
  found.trials.map(
    ({ fitSeconds: _f, encodedPerSecond: _e, queriesPerSecond: _q, ...rest }) => rest,
  );

describe("recommend", () => {
  it.each([1, 6, 25, 40])("keeps to %i bytes, whatever it tries", async (bytes) => {
    const found = await run({ bytes });
    expect(found.untried).toEqual([]);
    expect(found.trials.length).toBeGreaterThan(2);
    for (const trial of found.trials) {
      expect(trial.bytesPerVector, trial.spec).toBeLessThanOrEqual(bytes);
    }
    const most = Math.max(...found.trials.map(({ reached }) => reached));
    expect(found.chosen?.reached).toBe(most);
    expect(found.front.has(found.best)).toBe(true);
  });

  it("finds the smallest for a recall", async () => {
    const found = await run({ recall: 0.6 });
    const enough = found.trials.filter(({ reached }) => reached >= 0.6);
    const least = Math.min(...enough.map(({ bytesPerVector }) => bytesPerVector));
    expect(found.chosen).toMatchObject({ bytesPerVector: least });
    expect(found.best).toBe(found.chosen);
    expect(found.trials.map(({ bytesPerVector }) => bytesPerVector)).toEqual(
      found.trials.map(({ bytesPerVector }) => bytesPerVector).toSorted((a, b) => a - b),
    );
  });

  it("says what it was measured on", async () => {
    const found = await run({ bytes: 24, k: 5, metric: "cosine", candidates: FEW });
    expect(found).toMatchObject({ total: 2400, searched: 2160, learned: 2160, queries: 240 });
    expect(found.settings).toMatchObject({ k: 5, metric: "cosine", seed: 0 });
    expect(Object.keys(found.best.recall)).toEqual(["1", "5", "10", "100"]);
    expect(found.best.reached).toBe(found.best.recall[5]);
    expect(found.best.spec).toBe("sq8");
    const sampled = await run({ bytes: 24, sample: 900, candidates: FEW.slice(0, 2) });
    expect(sampled).toMatchObject({ total: 2400, searched: 900, learned: 900, queries: 100 });
  });

  it("has no chosen one where the target is out of reach, but the best", async () => {
    const found = await run({ bytes: 3, recall: 0.99, candidates: FEW });
    expect(found.chosen).toBeUndefined();
    const small = found.trials.filter(({ bytesPerVector }) => bytesPerVector <= 3);
    expect(found.best.reached).toBe(Math.max(...small.map(({ reached }) => reached)));
  });

  it("is the same for the same seed, of a matrix or of a stream", async () => {
    const options = { bytes: 12, candidates: FEW, seed: 5, sample: 1500 };
    const once = await run(options);
    const stream: Rows = {
      async *[Symbol.asyncIterator]() {
        for (let start = 0; start < rows.rows; start += 700) {
          yield sliceRows(rows, start, Math.min(rows.rows, start + 700));
        }
      },
    };
    expect(figures(await run(options, stream))).toEqual(figures(once));
    expect(figures(await run({ ...options, seed: 6 }))).not.toEqual(figures(once));
  });

  it("judges by what re-scoring comes to", async () => {
    const candidates = [{ spec: "pq4x16" }, { spec: "vq8+pq4x16", nprobe: 4 }];
    const found = await run({ bytes: 16, rescore: 6, candidates, seed: 3 });
    const { base, queries } = await holdOut(rows, undefined, 10, 3, undefined);
    const truth = await exactSearch(base, queries, { backend });
    for (const { spec, nprobe } of candidates) {
      const model = await quantizers.fit(spec, base, { backend, seed: 3 });
      const index = createIndex(model, { lists: nprobe !== undefined });
      await index.add(base, { backend });
      const again = await index.search(queries, { nprobe, rescore: 6, exact: base, backend });
      const trial = found.trials.find((one) => one.spec === spec)!;
      expect(trial.reached).toBe(recallAt(again, truth, 10));
      expect(trial.reached).toBeGreaterThan(trial.recall[10]!);
    }
  });

  it("stops when the time is up, and says what it did not try", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      let fits = 0;
      const slow: Pick<Quantizers, "fit"> = {
        fit(spec, from, options) {
          // The time runs out during the third fit.
          if (++fits === 3) vi.advanceTimersByTime(5000);
          throwIfAborted(options?.signal);
          return quantizers.fit(spec, from, options);
        },
      };
      const found = await run({ bytes: 24, budget: 5, candidates: FEW }, rows, slow);
      expect(found.trials.map(({ spec }) => spec).toSorted()).toEqual(["pq4x16", "sq8"]);
      expect(found.chosen?.spec).toBe("sq8");
      expect(found.untried).toEqual(FEW.slice(2).map(({ spec }) => ({ spec, reason: undefined })));
      fits = 2;
      await expect(run({ bytes: 24, budget: 5, candidates: FEW }, rows, slow)).rejects.toThrow(
        "the time was up (5 s) before anything had been tried",
      );
    } finally {
      vi.useRealTimers();
    }
  });

  it("tries first what may be smaller than what is enough already", async () => {
    const order: string[] = [];
    const spy: Pick<Quantizers, "fit"> = {
      fit(spec, from, options) {
        order.push(String(spec));
        return quantizers.fit(spec, from, options);
      },
    };
    const candidates = [
      { spec: "pq2x16", bytes: 1 },
      { spec: "sq8", bytes: 24 },
      { spec: "fp16", bytes: 48 },
      { spec: "pq12x16", bytes: 6 },
      { spec: "pq6x16", bytes: 3 },
    ];
    await run({ recall: 0.9, candidates }, rows, spy);
    expect(order).toEqual(["pq2x16", "sq8", "pq12x16", "pq6x16", "fp16"]);
  });

  it("is stopped by its signal, before and amid the work", async () => {
    const aborted = AbortSignal.abort();
    await expect(run({ bytes: 8, signal: aborted })).rejects.toThrow(AbortedError);
    const controller = new AbortController();
    const tasks: string[] = [];
    const onProgress = ({ task }: { task: string }) => {
      tasks.push(task);
      if (task.startsWith("2/5")) controller.abort();
    };
    await expect(
      run({ bytes: 8, candidates: FEW, signal: controller.signal, onProgress }),
    ).rejects.toThrow(AbortedError);
    expect(tasks.at(-1)).toBe("2/5 pq4x16");
  });

  it("passes over what cannot be fitted to the rows", async () => {
    const candidates = [{ spec: "pq5x16" }, { spec: "sq8" }];
    const found = await run({ bytes: 24, candidates });
    expect(found.chosen?.spec).toBe("sq8");
    expect(found.untried.map(({ spec }) => spec)).toEqual(["pq5x16"]);
    expect(found.untried[0]?.reason).toMatch(/do not divide into 5/);
    await expect(run({ bytes: 24, candidates: candidates.slice(0, 1) })).rejects.toThrow(
      /^nothing fits: pq5x16: /,
    );
  });

  it("explains what is wrong with rows and options", async () => {
    const broken = { ...rows, data: rows.data.slice() };
    broken.data[24 * 1234 + 5] = Number.NaN;
    await expect(run({ bytes: 8 }, broken)).rejects.toThrow(/^input row 1234 has a value/);
    broken.data.fill(Infinity, 24 * 2000);
    // A row of the sample is named as it is among all.
    await expect(run({ bytes: 8, sample: 1000 }, broken)).rejects.toThrow(
      /^input row (1234|2\d{3}) /,
    );
    await expect(run({ bytes: 8 }, sliceRows(rows, 0, 9))).rejects.toThrow(
      "of 9 rows none can be held out with 10 neighbours left among the others",
    );
    await expect(run({})).rejects.toThrow("nothing is asked for");
    await expect(run({ bytes: 0 })).rejects.toThrow("bytes is 0; it must be an integer from 1");
    await expect(run({ recall: 90 })).rejects.toThrow("recall is 90; it must be above 0");
    await expect(run({ bytes: 8, rescore: 500 })).rejects.toThrow(
      "rescore is 500; it must be an integer from 1 to 409",
    );
    await expect(run({ bytes: 8, budget: 0 })).rejects.toThrow("budget is 0; it must be seconds");
    await expect(run({ bytes: 8, sample: 0 })).rejects.toThrow("sample is 0");
    await expect(run({ bytes: 8, metric: "l1" as "l2" })).rejects.toThrow('metric is "l1"');
  });
});
