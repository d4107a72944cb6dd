import type { FitOptions, Matrix, Model } from "@tessera/core";
import { numberOf, Unsupported } from "./serve.js";
import type { Fit } from "./tessera-models.js";

interface ProductPackage {
  fitPq(
    rows: Matrix,
    options: FitOptions & { readonly groups: number; readonly codebookSize: number },
  ): Promise<Model>;
}

/** Product quantization, where the build has it, on all rows unless its defaults are asked for. */
export const fitProduct: Fit = async (rows, backend, task) => {
  const { fitPq } = await productPackage();
  return fitPq(rows, {
    groups: numberOf(task, "groups"),
    codebookSize: 2 ** numberOf(task, "bits"),
    ...(task.parameters["defaults"] === true ? {} : { sample: Infinity }),
    backend,
  });
};

async function productPackage(): Promise<ProductPackage> {
  const name = "@tessera/pq";
  try {
    return (await import(name)) as ProductPackage;
  } catch {
    throw new Unsupported(`this build has no ${name}`);
  }
}
