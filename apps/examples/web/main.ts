import type { BackendName } from "@tessera/backend";
import type { BackendInfo, Progress } from "@tessera/core";
import { type Dish, type Files, type Outcome, runPipeline } from "../src/pipeline/pipeline.js";

const params = new URLSearchParams(location.search);
// A GPU that a CPU simulates is slower than the CPU itself, so only who names WebGPU alone gets it.
const backend = (params.get("backend") ?? "webgpu,cpu").split(",") as BackendName[];
/** What the pipeline wrote. */
const written = new Map<string, Uint8Array>();

const files: Files = {
  async read(name) {
    const response = await fetch(name);
    if (!response.ok) throw new Error(`${name} cannot be read: ${response.statusText}`);
    return new Uint8Array(await response.arrayBuffer());
  },
  async write(name, bytes) {
    written.set(name, bytes);
  },
};

markChoice();
const start = performance.now();
try {
  const outcome = await runPipeline(files, { backend, onProgress: showProgress });
  showFacts(outcome, performance.now() - start);
  showMenu(outcome.menu);
  showFiles();
  say("done", `${outcome.menu.length} dishes have their IDs`);
} catch (error) {
  const { message, hint } = error as Error & { readonly hint?: string };
  say("failed", hint === undefined ? message : `${message}: ${hint}`);
}

function markChoice(): void {
  for (const link of document.querySelectorAll("nav a")) {
    const chosen = new URL((link as HTMLAnchorElement).href).search === location.search;
    if (chosen) link.setAttribute("aria-current", "page");
  }
}

function say(state: "working" | "done" | "failed", text: string): void {
  document.documentElement.dataset["state"] = state;
  find("status").textContent = text;
}

function showProgress({ task, done, total }: Progress): void {
  say("working", task);
  const bar = find("progress") as HTMLProgressElement;
  if (total === undefined) return bar.removeAttribute("value");
  bar.max = total;
  bar.value = done;
}

function showFacts({ backend: info }: Outcome, milliseconds: number): void {
  const facts: [string, string][] = [
    ["Computed on", `${info.name}: ${info.device}`],
    ["Why", whyOf(info)],
    ["Took", `${(milliseconds / 1000).toFixed(1)} s, the download included`],
  ];
  const list = find("facts");
  list.append(...facts.flatMap(([term, text]) => [element("dt", term), element("dd", text)]));
  list.hidden = false;
}

function whyOf({ name, reason }: BackendInfo): string {
  if (reason !== undefined) return reason;
  return params.has("backend")
    ? `${params.get("backend")} was asked for`
    : `${name} is the first choice, and this browser has it`;
}

function showMenu(menu: readonly Dish[]): void {
  const firstOf = ({ id }: Dish): string => id.slice(0, id.indexOf(">") + 1);
  for (const prefix of [...new Set(menu.map(firstOf))].sort()) {
    const list = element("ul");
    for (const { emoji, name, id } of menu.filter((dish) => firstOf(dish) === prefix)) {
      const item = element("li");
      item.append(element("span", emoji), element("span", name));
      item.append(element("code", id.slice(prefix.length)));
      list.append(item);
    }
    const card = element("article");
    card.append(element("h2", prefix), list);
    find("menu").append(card);
  }
}

function showFiles(): void {
  const line = find("files");
  line.append("Files: ");
  for (const [name, bytes] of written) {
    const link = element("a", name) as HTMLAnchorElement;
    link.href = URL.createObjectURL(new Blob([bytes as BlobPart]));
    link.download = name;
    line.append(link, " ");
  }
  line.hidden = false;
}

function find(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

function element(tag: string, text?: string): HTMLElement {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  return made;
}
