import type { Figures } from "./figures.js";
import type { Way } from "./settings.js";

/** The figures as a Markdown table, in the order given; what is not known yet is left out. */
export function tableOf(
  known: readonly { readonly way: Way; readonly figures: Figures | undefined }[],
): string {
  const head = "| | distortion | distinct | codewords in use | distortion, held out | seconds |";
  return [head, "|---|---|---|---|---|---|", ...known.flatMap(lineOf)].join("\n");
}

function lineOf({ way, figures }: { way: Way; figures: Figures | undefined }): string[] {
  if (figures === undefined) return [];
  const { whole, heldOut, problem } = figures;
  const cells =
    whole === undefined || heldOut === undefined
      ? [problem ?? "no figures", "", "", "", ""]
      : [
          whole.distortion.toFixed(4),
          whole.distinct.toFixed(3),
          whole.leastUsage.toFixed(3),
          heldOut.distortion.toFixed(3),
          String(whole.seconds),
        ];
  const name = way.name.includes(":") ? `\`${way.name}\`` : way.name;
  return [`| ${[name, ...cells.map((cell) => cell.replaceAll("|", "\\|"))].join(" | ")} |`];
}
