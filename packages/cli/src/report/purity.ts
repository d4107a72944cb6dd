import { figure, grouped, percent } from "../text.js";
import type { GroupFigures } from "./data.js";
import { bar } from "./distortion.js";
import { type Html, html } from "./html.js";

/** How well prefixes agree with kinds of items that are known. */
export function puritySection({ field, purity }: GroupFigures): Html {
  return html`<section>
    <h2>What prefixes mean</h2>
    <p>
      Share of items under a shared prefix that belong to the prefix's most frequent
      <code>${field}</code> (of ${grouped(purity.labels)}). The mark is the most frequent one's
      share of all items, ${percent(purity.baseline)}: what a prefix that means nothing would reach.
    </p>
    <div class="bars">
      ${purity.levels.map(
        (level) =>
          html`<span>${level.length === 1 ? "1 code" : `${level.length} codes`}</span>
            ${bar(level.sharedPurity, purity.baseline)}
            <span class="value"
              >${percent(level.sharedPurity)}
              <small>NMI ${figure(level.normalizedMutualInformation)}</small></span
            >`,
      )}
    </div>
  </section>`;
}
