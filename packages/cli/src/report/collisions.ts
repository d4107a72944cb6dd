import { collisionGroups, formatTokens } from "@tessera/semantic-ids";
import { grouped, percent, plural } from "../text.js";
import type { ReportData } from "./data.js";
import { bar } from "./distortion.js";
import { type Html, html } from "./html.js";

const GROUPS_SHOWN = 6;
const ITEMS_SHOWN = 8;

/** Items that share all their codes: how many, how large the groups are, and what the largest hold. */
export function collisionSection(data: ReportData): Html {
  const { analysis, ids } = data;
  const largest = collisionGroups(ids.codes).slice(0, GROUPS_SHOWN);
  const most = Math.max(...analysis.groupSizes.map(({ size, groups }) => size * groups));
  const after = {
    keep: "They keep it, so IDs are not unique.",
    rank: "A last code, the rank among the items that share their codes, makes every ID unique.",
    "rank-on-collision": "Those get a last code, their rank, which makes every ID unique.",
  }[ids.collisions];
  return html`<section>
    <h2>Collisions</h2>
    <p>
      ${plural(analysis.collidingRows, "item")} of ${grouped(analysis.rows)}
      ${analysis.collidingRows === 1 ? "shares" : "share"} all codes with another: a collision rate
      of ${percent(analysis.collisionRate)}. ${analysis.collidingRows === 0 ? "" : after}
    </p>
    <div class="bars">
      ${shortened(analysis.groupSizes).map(
        ({ label, items, groups }) =>
          html`<span>${label}</span>${bar(items / most)}
            <span class="value"
              >${plural(items, "item")} <small>in ${plural(groups, "group")}</small></span
            >`,
      )}
    </div>
    ${
      largest.length === 0
        ? undefined
        : html`<p style="margin-top:1rem">The largest groups:</p>
            <table>
              ${largest.map(
                ({ codes, rows }) =>
                  html`<tr>
                    <td class="code">${formatTokens(codes)}</td>
                    <td>
                      ${Array.from(rows.subarray(0, ITEMS_SHOWN), data.label).join(", ")}${
                        rows.length > ITEMS_SHOWN ? `, … ${rows.length - ITEMS_SHOWN} more` : ""
                      }
                    </td>
                  </tr>`,
              )}
            </table>`
    }
  </section>`;
}

/** Sizes one by one while they are few; the rest, which is thin, as one line. */
function shortened(
  sizes: readonly { readonly size: number; readonly groups: number }[],
): { label: string; items: number; groups: number }[] {
  const lines = sizes.slice(0, 7).map(({ size, groups }) => ({
    label: size === 1 ? "alone" : `${size} alike`,
    items: size * groups,
    groups,
  }));
  const rest = sizes.slice(7);
  if (rest.length === 0) return lines;
  return [
    ...lines,
    {
      label: `${rest[0]!.size}–${rest.at(-1)!.size} alike`,
      items: rest.reduce((sum, { size, groups }) => sum + size * groups, 0),
      groups: rest.reduce((sum, { groups }) => sum + groups, 0),
    },
  ];
}
