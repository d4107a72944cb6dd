#!/usr/bin/env node
// Runs a task from a bare clone: needs Node and the npm that comes with it, nothing else.
//
//   1. fetches the pinned pnpm through npm, without installing it anywhere,
//   2. installs the locked dependencies if the lockfile or a manifest changed since the last time,
//   3. builds what is stale (Turborepo's cache decides),
//   4. runs the task.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The reference of all packages, which the guides link to. */
const API = ["pnpm", "exec", "typedoc", "--options", "docs/typedoc.mjs"];

const TASKS = {
  build: [],
  start: [["node", "apps/examples/dist/emoji.js"]],
  test: [
    ["pnpm", "run", "typecheck"],
    ["pnpm", "run", "lint"],
    ["pnpm", "run", "hygiene"],
    ["pnpm", "run", "unit"],
  ],
  bench: [["node", "apps/bench/dist/main.js"]],
  docs: [API, ["pnpm", "exec", "vitepress", "build", "docs"]],
  "docs:dev": [API, ["pnpm", "exec", "vitepress", "dev", "docs"]],
  playground: [["pnpm", "--filter", "@tessera/playground", "exec", "vite", "preview"]],
};

const [task = "build", ...args] = process.argv.slice(2);
if (!Object.hasOwn(TASKS, task)) {
  fail(`there is no task "${task}"; tasks are ${Object.keys(TASKS).join(", ")}`);
}
requireNode(manifest.engines.node);
install();
run(["pnpm", "exec", "turbo", "run", "build", "--output-logs=errors-only"], { quiet: true });
linkCommand();
const commands = TASKS[task];
commands.forEach((command, i) => run(i === commands.length - 1 ? [...command, ...args] : command));

function requireNode(range) {
  const least = range.replace(">=", "").split(".").map(Number);
  const own = process.versions.node.split(".").map(Number);
  const newer = own[0] > least[0] || (own[0] === least[0] && own[1] >= least[1]);
  if (!newer) fail(`Node ${process.versions.node} is too old; Tessera needs ${range}`);
}

/** Installs unless the same lockfile and manifests were installed before, which `pnpm install` takes seconds to find. */
function install() {
  const stamp = join(root, "node_modules", ".tessera-installed");
  const hash = createHash("sha256").update(process.platform + process.arch);
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json", ...manifests()]) {
    hash.update(readFileSync(join(root, file)));
  }
  const state = hash.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === state) return;
  run(["pnpm", "install", "--frozen-lockfile", "--reporter=append-only"], { quiet: true });
  mkdirSync(join(root, "node_modules"), { recursive: true });
  writeFileSync(stamp, state);
}

/**
 * Lets `npx tessera` find the CLI. It is no dependency of the root package: Turborepo would then count every file of the
 * CLI and what it depends on among the inputs of every package, and each edit would rebuild all of them.
 */
function linkCommand() {
  const bin = join(root, "node_modules", ".bin", "tessera");
  const target = ["..", "..", "packages", "cli", "dist", "bin.js"];
  const posix = `#!/bin/sh\nexec node "$(dirname "$0")/${target.join("/")}" "$@"\n`;
  const windows = `@node "%~dp0\\${target.join("\\")}" %*\r\n`;
  if (!existsSync(bin)) writeFileSync(bin, posix, { mode: 0o755 });
  if (process.platform === "win32") writeFileSync(`${bin}.cmd`, windows);
}

function manifests() {
  return ["packages", "apps"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .sort()
      .map((name) => join(folder, name, "package.json"))
      .filter((file) => existsSync(join(root, file))),
  );
}

/** Runs a command and ends with its status if it fails. A quiet one shows what it printed only then. */
function run([program, ...programArgs], { quiet = false } = {}) {
  // Through npm's npx, so that pnpm and what it starts find this very pnpm on their PATH.
  const [command, ...commandArgs] =
    program === "pnpm"
      ? ["npx", "--yes", manifest.packageManager, ...programArgs]
      : [process.execPath, ...programArgs];
  const result = spawnSync(command, commandArgs, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    // On Windows npx is a script, which only a shell starts.
    shell: process.platform === "win32",
    stdio: quiet ? ["ignore", "pipe", "pipe"] : "inherit",
    env: {
      ...process.env,
      PATH: join(root, "node_modules", ".bin") + delimiter + process.env.PATH,
      TURBO_TELEMETRY_DISABLED: "1",
      DO_NOT_TRACK: "1",
    },
  });
  if (result.error) fail(`${command} could not be started: ${result.error.message}`);
  if (result.status === 0) return;
  if (quiet) process.stderr.write(result.stdout + result.stderr);
  process.exit(result.status ?? 1);
}

function fail(message) {
  console.error(`tessera: ${message}`);
  process.exit(1);
}
