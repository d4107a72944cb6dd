import { describe, expect, it } from "vitest";
import { childEnvironment } from "./contenders.js";

describe("childEnvironment", () => {
  it("gives every library the same threads, whatever was set before", () => {
    const environment = childEnvironment({ OMP_NUM_THREADS: "64", PATH: "/bin" }, 3);
    expect(environment).toMatchObject({
      PATH: "/bin",
      OMP_NUM_THREADS: "3",
      OPENBLAS_NUM_THREADS: "3",
      MKL_NUM_THREADS: "3",
      TESSERA_BENCH_THREADS: "3",
    });
  });

  it("lets every library choose its instruction set", () => {
    const environment = childEnvironment(
      { OPENBLAS_CORETYPE: "Haswell", OPENBLAS_L2_SIZE: "512", TESSERA_CPU: "wasm" },
      1,
    );
    expect(environment).not.toHaveProperty("OPENBLAS_CORETYPE");
    expect(environment).not.toHaveProperty("OPENBLAS_L2_SIZE");
    expect(environment).not.toHaveProperty("TESSERA_CPU");
  });
});
