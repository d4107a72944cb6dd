import { extname } from "node:path";
import {
  type CompleteBackend,
  type Matrix,
  printSpec,
  readSafetensorsHeader,
  safetensorsHeaderEnd,
  ShapeError,
} from "@tessera/core";
import { fileSource } from "@tessera/io/node";
import { exactSearch, type SearchOptions, type SearchResult } from "@tessera/search";
import { openIndex } from "@tessera/search/node";
import { UsageError } from "../args/usage-error.js";
import type { Context } from "../context.js";
import { knownQuantizers } from "../quantizers.js";
import { type InputChoice, withVectorFile } from "../vectors.js";
import { checkIndexChoice, type IndexChoice, indexRows } from "./build-index.js";

/** What is searched. */
export interface SearchTarget {
  /** What the rows are kept as; `exact` for the vectors themselves. */
  readonly spec: string;
  readonly size: number;
  readonly dimension: number;
  /** The vectors, where they are known. */
  readonly vectors: Matrix | undefined;
  search(queries: Matrix, options: SearchOptions): Promise<SearchResult>;
  close(): Promise<void>;
}

interface TargetChoice extends IndexChoice, InputChoice {
  readonly vectors: string | undefined;
  readonly nprobe: number | undefined;
  readonly rescore: number | undefined;
}

/** Options that are about learning a model or laying out an index, and so not about one that exists. */
const BUILD_OPTIONS = ["spec", "model", "lists", "seed", "iterations", "restarts", "sample"];

/** Opens an index file, or makes what searches a file of vectors. */
export async function openTarget(
  path: string,
  choice: TargetChoice,
  given: ReadonlySet<string>,
  backend: CompleteBackend,
  context: Context,
): Promise<SearchTarget> {
  if (await isIndex(path)) return openIndexTarget(path, choice, given, context);
  if (choice.vectors !== undefined) {
    throw new UsageError(
      `--vectors gives the vectors of an index, and ${path} is none`,
      "leave it out: the file has the vectors",
    );
  }
  const vectors = await readVectors(path, choice, context);
  if (choice.spec === undefined && choice.model === undefined) {
    for (const option of [...BUILD_OPTIONS, "nprobe", "rescore"]) {
      if (given.has(option)) {
        throw new UsageError(
          `--${option} is about an index, and ${path} is searched exactly`,
          "give --spec to search by codes, such as --spec pq16x256",
        );
      }
    }
    return {
      spec: "exact",
      size: vectors.rows,
      dimension: vectors.cols,
      vectors,
      search: (queries, options) => exactSearch(vectors, queries, options),
      close: async () => {},
    };
  }
  checkIndexChoice(choice, "search");
  const index = await indexRows(vectors, choice, backend, context);
  return {
    spec: printSpec(index.model.spec),
    size: index.size,
    dimension: vectors.cols,
    vectors,
    search: (queries, options) => index.search(queries, withExact(options, vectors)),
    close: async () => {},
  };
}

async function openIndexTarget(
  path: string,
  choice: TargetChoice,
  given: ReadonlySet<string>,
  context: Context,
): Promise<SearchTarget> {
  const wrong = BUILD_OPTIONS.find((option) => given.has(option));
  if (wrong !== undefined) {
    throw new UsageError(
      `--${wrong} is about making an index, and ${path} is one`,
      "leave it out, or search the file of vectors",
    );
  }
  const index = await openIndex(path, knownQuantizers());
  try {
    const vectors =
      choice.vectors === undefined ? undefined : await readVectors(choice.vectors, choice, context);
    const { dimension, spec } = index.model;
    if (vectors && (vectors.rows < index.size || vectors.cols !== dimension)) {
      throw new ShapeError(
        `${choice.vectors} is [${vectors.rows}, ${vectors.cols}]; ${path} holds [${index.size}, ${dimension}]`,
        { hint: "give the vectors that the index was made of" },
      );
    }
    return {
      spec: printSpec(spec),
      size: index.size,
      dimension,
      vectors,
      search: (queries, options) => index.search(queries, withExact(options, vectors)),
      close: () => index.close(),
    };
  } catch (error) {
    await index.close();
    throw error;
  }
}

/** Whether a file is an index; one that is no safetensors file at all is for the vector readers to judge. */
async function isIndex(path: string): Promise<boolean> {
  if (extname(path).toLowerCase() !== ".safetensors") return false;
  const source = await fileSource(path);
  try {
    const end = safetensorsHeaderEnd(await source.read(0, Math.min(8, source.size)), source.size);
    const { metadata } = readSafetensorsHeader(await source.read(0, end), source.size);
    return metadata["format"] === "tessera-index";
  } finally {
    await source.close();
  }
}

function withExact(options: SearchOptions, vectors: Matrix | undefined): SearchOptions {
  return options.rescore === undefined || vectors === undefined
    ? options
    : { ...options, exact: vectors };
}

export function readVectors(path: string, choice: InputChoice, context: Context): Promise<Matrix> {
  return withVectorFile(path, choice, context, (file) => file.readAll());
}
