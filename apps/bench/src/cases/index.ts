import type { BenchCase, RowsChoice } from "../case.js";
import { assign } from "./assign.js";
import { codes } from "./codes.js";
import { kmeans, kmeansByDefault, kmeansInJavaScript } from "./kmeans.js";
import { product } from "./product.js";
import { residualBeam, residualCatalogue } from "./residual.js";
import { rqvaeCatalogue, rqvaeStep } from "./rqvae.js";
import { search } from "./search.js";
import { stream } from "./stream.js";

/** All cases, with sizes that are small if the bench itself is to be tried. */
export function allCases(quick: boolean, threads: number): BenchCase[] {
  const few = synthetic(quick ? 2_000 : 10_000);
  const hundred = synthetic(quick ? 5_000 : 100_000);
  const million = synthetic(quick ? 20_000 : 1_000_000);
  const words: RowsChoice = { source: "words", rows: 100_000, cols: 100 };
  const industrial: RowsChoice = { source: "industrial", rows: 3686, cols: 512 };
  return [
    ...[256, 1024, 4096].map((size) => assign(`assign-${size}`, hundred, size, threads)),
    assign("assign-1024-noise", { ...hundred, source: "noise" }, 1024, threads),
    assign("assign-256-1m", million, 256, threads),
    ...(quick ? [] : [assign("assign-256-words", words, 256, threads)]),
    ...[256, 1024].map((size) => kmeans(`kmeans-${size}`, hundred, size, threads)),
    ...(quick ? [] : [256, 1024]).map((size) =>
      kmeans(`kmeans-${size}-words`, words, size, threads),
    ),
    kmeansByDefault("kmeans-256-defaults", hundred, 256),
    kmeansInJavaScript("kmeans-64-10k", few, 64),
    ...product("pq", hundred),
    ...residualBeam("rq-beam", hundred),
    residualCatalogue("rq-industrial", industrial, quick ? 2 : 10),
    ...[64, 1024].map((batch) =>
      rqvaeStep(`rqvae-step-${batch}`, { ...few, cols: 512 }, batch, quick ? 20 : 100),
    ),
    rqvaeCatalogue("rqvae-industrial", industrial, quick ? 200 : undefined),
    ...codes(million),
    ...(quick ? [] : search("search-words", words, 256)),
    ...search("search-1m", million, quick ? 32 : 1024),
    stream(hundred, million, 100 * hundred.rows, hundred.rows / 10),
  ];
}

function synthetic(rows: number): RowsChoice {
  return { source: "synthetic", rows, cols: 128 };
}
