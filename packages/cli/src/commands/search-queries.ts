import { ArgumentError, type Matrix, ShapeError, sliceRows } from "@tessera/core";
import { nearest } from "../args/suggest.js";
import { UsageError } from "../args/usage-error.js";
import type { Context } from "../context.js";
import type { InputChoice } from "../vectors.js";
import { readVectors, type SearchTarget } from "./search-target.js";

/** Queries, and what to call them. */
export interface Queries {
  readonly rows: Matrix;
  readonly name: (query: number) => string;
}

interface QueryChoice extends InputChoice {
  readonly row: number | undefined;
  readonly query: string | undefined;
}

/** Names that are compared with a misspelt one. */
const MOST_NAMES = 200_000;

/**
 * The queries: a file of vectors, or one of the rows that are searched.
 *
 * @throws {UsageError} unless exactly one thing says what to search for
 */
export async function readQueries(
  path: string | undefined,
  choice: QueryChoice,
  target: SearchTarget,
  labels: readonly string[] | undefined,
  context: Context,
): Promise<Queries> {
  const { row, query } = choice;
  const ways = [path, row, query].filter((way) => way !== undefined);
  if (ways.length !== 1) {
    throw new UsageError(
      ways.length === 0 ? "search needs queries" : "there is more than one thing to search for",
      "give a file of queries, --row N or --query NAME",
    );
  }
  if (path !== undefined) {
    const rows = await readVectors(path, choice, context);
    if (rows.cols !== target.dimension) {
      throw new ShapeError(
        `${path} has rows of ${rows.cols} values; what is searched has rows of ${target.dimension}`,
      );
    }
    return { rows, name: (i) => `query ${i}` };
  }
  if (!target.vectors) {
    throw new UsageError(
      `--${row === undefined ? "query" : "row"} names a row, and an index has only codes`,
      "give the vectors that it was made of with --vectors FILE",
    );
  }
  const found = row ?? rowNamed(query!, labels);
  if (found >= target.vectors.rows) {
    throw new ArgumentError(`there is no row ${found}: rows are 0 to ${target.vectors.rows - 1}`);
  }
  const name = labels?.[found] ?? `row ${found}`;
  return { rows: rowOf(target.vectors, found), name: () => name };
}

function rowNamed(name: string, labels: readonly string[] | undefined): number {
  if (!labels) {
    throw new UsageError(
      "--query names a vector, and the vectors have no names",
      "give them with --labels FILE",
    );
  }
  const row = labels.indexOf(name);
  if (row >= 0) return row;
  const near = nearest(name, labels.slice(0, MOST_NAMES));
  throw new ArgumentError(`no vector is called "${name}"`, {
    hint: near === undefined ? "see the file of --labels" : `did you mean ${near}?`,
  });
}

function rowOf(rows: Matrix, row: number): Matrix {
  return sliceRows(rows, row, row + 1);
}
