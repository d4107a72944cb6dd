import { nearest } from "../args/suggest.js";
import { UsageError } from "../args/usage-error.js";

const FORMATS = ["faiss", "torch"] as const;

/** The first argument of `import` and `export`. */
export const FORMAT_POSITIONAL = {
  name: "faiss|torch",
  help: "whose file it is: a faiss index, or vector-quantize-pytorch's",
};

/**
 * Checks the first argument, and that no option of the other format is given.
 *
 * @param only options that one format alone takes
 * @throws {UsageError}
 */
export function checkFormat(
  format: string,
  given: ReadonlySet<string>,
  only: Readonly<Record<(typeof FORMATS)[number], readonly string[]>>,
): void {
  const own = FORMATS.find((known) => known === format);
  if (own === undefined) {
    const near = nearest(format, FORMATS);
    throw new UsageError(
      `the format is "${format}"; it may be ${FORMATS.join(" or ")}`,
      near === undefined ? undefined : `did you mean ${near}?`,
    );
  }
  const other = own === "faiss" ? "torch" : "faiss";
  const misplaced = only[other].find((option) => given.has(option));
  if (misplaced !== undefined) {
    throw new UsageError(`--${misplaced} is for ${other}, not for ${own}`, "leave it out");
  }
}
