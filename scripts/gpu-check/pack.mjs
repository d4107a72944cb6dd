// Puts what `gpu-check.sh run` needs into a folder: the program in one file, from the sources; Dawn; the native engine.
import { cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));
const [folder] = process.argv.slice(2);
const packages = join(root, "packages");

const alias = {
  "@tessera/core/arguments": join(packages, "core/src/arguments/index.ts"),
  "@tessera/core/authoring": join(packages, "core/src/authoring/index.ts"),
};
for (const name of readdirSync(packages)) {
  alias[`@tessera/${name}`] = join(packages, name, "src/index.ts");
}
await build({
  entryPoints: [join(root, "scripts/gpu-check/main.mjs")],
  outfile: join(folder, "check.mjs"),
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  alias,
  external: ["webgpu", "@tensorflow/*"],
  logLevel: "warning",
});
cpSync(join(root, "scripts/gpu-check/peer.py"), join(folder, "peer.py"));

const dawn = join(
  createRequire(join(packages, "backend-webgpu/package.json")).resolve("webgpu"),
  "..",
);
const platform = `${process.platform}-${process.arch}`;
for (const part of ["index.js", "package.json", join("dist", platform)]) {
  cpSync(join(dawn, part), join(folder, "node_modules/webgpu", part), {
    recursive: true,
    dereference: true,
  });
}
const native = join(packages, "kernels/platforms", `${platform}-gnu`);
if (existsSync(native)) {
  const target = join(folder, "node_modules/@tessera", `backend-cpu-${platform}-gnu`);
  mkdirSync(target, { recursive: true });
  cpSync(native, target, { recursive: true });
}
