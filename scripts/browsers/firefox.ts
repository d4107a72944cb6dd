import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineBrowserProvider } from "@vitest/browser";
import type { BrowserProvider } from "vitest/node";
import { vulkanEnvironment } from "./find.js";

const PREFERENCES = {
  "browser.aboutwelcome.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  // Firefox for Linux has WebGPU behind the first, and refuses adapters that compute on the CPU without the second.
  "dom.webgpu.enabled": true,
  "gfx.webgpu.ignore-blocklist": true,
};

/** Vitest's tests in the Firefox of the system, without a display, in a profile of its own. */
export function firefoxProvider(path: string) {
  return defineBrowserProvider({
    name: "firefox",
    supportedBrowser: ["firefox"],
    providerFactory: () => new FirefoxProvider(path),
  });
}

/** Starts Firefox with the address of the tests' page, which needs no protocol between the two: Vitest talks to the page. */
class FirefoxProvider implements BrowserProvider {
  readonly name = "firefox";
  readonly supportsParallelism = false;
  readonly #path: string;
  #process: ChildProcess | undefined;
  #profile: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  getCommandsContext(): Record<string, unknown> {
    return {};
  }

  async openPage(_sessionId: string, url: string): Promise<void> {
    await this.close();
    this.#profile = await mkdtemp(join(tmpdir(), "tessera-firefox-"));
    const preferences = Object.entries(PREFERENCES).map(
      ([name, value]) => `user_pref("${name}", ${value});\n`,
    );
    await writeFile(join(this.#profile, "user.js"), preferences.join(""));
    const args = ["--headless", "--no-remote", "--profile", this.#profile, url];
    this.#process = spawn(this.#path, args, {
      stdio: "ignore",
      env: { ...process.env, ...vulkanEnvironment() },
    });
    await once(this.#process, "spawn");
  }

  async close(): Promise<void> {
    const { exitCode, signalCode } = this.#process ?? { exitCode: 0 };
    if (this.#process && exitCode === null && signalCode === null) {
      const ended = once(this.#process, "exit");
      this.#process.kill();
      await ended;
    }
    if (this.#profile !== undefined) await rm(this.#profile, { recursive: true, force: true });
    this.#process = undefined;
    this.#profile = undefined;
  }
}
