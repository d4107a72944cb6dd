import { availableParallelism, cpus } from "node:os";
import { defineCommand } from "../args/command.js";
import type { Context } from "../context.js";
import { type Absent, examineOthers, examinePicked, linesOf } from "../doctor/examine.js";
import { WORK } from "../doctor/measure.js";
import { type Missing, whatIsMissing } from "../doctor/missing.js";
import { wrap } from "../text.js";
import { version } from "../version.js";
import { BACKEND_OPTIONS, OUTPUT_OPTIONS } from "./shared.js";

export const doctor = defineCommand({
  name: "doctor",
  arguments: "[options]",
  summary: "show what this machine computes with, and how fast",
  description:
    "Shows the machine, the backend that commands compute on and why, the other backends, and how fast each assigns rows to codewords; and names what is missing, with the command that gets it. With --backend it looks at that one alone.",
  positionals: [],
  options: { ...BACKEND_OPTIONS, ...OUTPUT_OPTIONS },
  examples: ["tessera doctor", "tessera doctor --threads 1 --json"],
  async run({ values }, context) {
    const picked = await examinePicked(values, context);
    const others = values.backend === undefined ? await examineOthers(picked.backend, context) : [];
    const [node, cores] = [process.versions.node, availableParallelism()];
    const absent = others.filter((other): other is Absent => "problem" in other);
    const missing = whatIsMissing({ node, cores, backend: picked.backend }, absent);
    const facts = {
      tessera: await version(),
      node,
      platform: `${process.platform}-${process.arch}`,
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores,
    };
    context.json({ ...facts, ...picked, others, missing });

    const { paint, print, width } = context;
    printLines(context, "", [
      ["tessera", facts.tessera],
      ["node", `${facts.node} on ${facts.platform}`],
      ["cpu", `${facts.cpu}, ${cores} ${cores === 1 ? "core" : "cores"}`],
    ]);
    print(`\n${paint(picked.backend.name, "bold")}, on which commands compute`);
    printLines(context, "  ", linesOf(picked));
    for (const other of others) {
      print(`\n${paint(other.name, "bold")}`);
      printLines(context, "  ", "problem" in other ? [["missing", other.problem]] : linesOf(other));
    }
    print();
    const { dimension, codewords } = WORK;
    const meaning = `Speed is that of finding the nearest of ${codewords} codewords for rows of ${dimension} values.`;
    for (const line of wrap(meaning, width)) print(paint(line, "dim"));
    print();
    printMissing(context, missing);
  },
});

function printLines(
  { paint, print, width }: Context,
  indent: string,
  lines: readonly [string, string][],
): void {
  for (const [label, value] of lines) {
    const head = indent + label.padEnd(10);
    const [first = "", ...rest] = wrap(value, width, " ".repeat(head.length));
    print(paint(head, "dim") + first.slice(head.length));
    for (const line of rest) print(line);
  }
}

function printMissing({ paint, print, width }: Context, missing: readonly Missing[]): void {
  if (missing.length === 0) print(paint("nothing is missing", "good"));
  for (const { what, command } of missing) {
    for (const line of wrap(what, width)) print(paint(line, "warning"));
    // A command stays on one line, so that it can be copied.
    if (command !== "") print(`  ${command}`);
  }
}
