import { figure, grouped, plural } from "../text.js";
import type { ReportData } from "./data.js";
import { sortedUsage } from "./figures.js";
import { type Html, html } from "./html.js";

/** More bars than this cannot be told apart; codes are then drawn several to a bar. */
const MOST_BARS = 256;

/** How evenly each level uses its codes. */
export function usageSection({ analysis, ids }: ReportData): Html {
  return html`<section>
    <h2>Code usage</h2>
    <p>
      Rows per code in each level, the most frequent code first; the dashed line is even usage.
      Perplexity is as many evenly used codes as would be as even.
    </p>
    <div class="levels">
      ${analysis.levels.map((level, i) => {
        const unused = level.cardinality - level.usedCodes;
        return html`<figure>
          ${histogram(sortedUsage(ids.codes, i), analysis.rows)}
          <figcaption>
            <strong>Level ${i + 1}</strong>: ${grouped(level.usedCodes)} of
            ${grouped(level.cardinality)} codes
            used${unused === 0 ? "" : `, ${plural(unused, "dead code")}`}; perplexity
            ${figure(level.perplexity)}
          </figcaption>
        </figure>`;
      })}
    </div>
  </section>`;
}

function histogram(counts: Uint32Array, rows: number): Html {
  const bars = Math.min(MOST_BARS, counts.length);
  const heights = Array.from({ length: bars }, (_, i) => {
    const from = Math.floor((i * counts.length) / bars);
    const to = Math.max(from + 1, Math.floor(((i + 1) * counts.length) / bars));
    return counts.subarray(from, to).reduce((sum, count) => sum + count, 0) / (to - from);
  });
  const top = Math.max(heights[0]!, 1);
  const y = (count: number) => Math.round((1 - count / top) * 1000) / 10;
  const path = heights.map((height, i) => `V${y(height)}H${i + 1}`).join("");
  const even = y(rows / counts.length);
  return html`<svg
    class="usage"
    viewBox="0 0 ${bars} 100"
    preserveAspectRatio="none"
    role="img"
    aria-label="Rows per code, sorted; the most frequent has ${counts[0] ?? 0}"
  >
    <path d="M0 100${path}V100Z" />
    <line x1="0" x2="${bars}" y1="${even}" y2="${even}" />
  </svg>`;
}
