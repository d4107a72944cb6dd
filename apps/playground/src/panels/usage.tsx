import { store } from "../state/store.js";
import { type ColumnUsage, distinctCodes, usageOf } from "../state/usage.js";
import { About } from "../views/about.js";
import { percent } from "../views/text.js";

const MOST_COLUMNS = 8;

/** How evenly codes are used, level by level. */
export function UsagePanel() {
  const result = store.result.value;
  const health = store.health.value;
  return (
    <section aria-labelledby="usage-title">
      <h2 id="usage-title">Use of codes</h2>
      <About guide="glossary.html" topic="the glossary">
        How many rows each code has. The more even, the more codes tell: the perplexity is the
        number of evenly used codes that would tell as much.
      </About>
      {result ? (
        <>
          <p class="note">
            {distinctCodes(result)} different codes for {result.rows} rows.
          </p>
          <div class="histograms">
            {usageOf(result)
              .slice(0, MOST_COLUMNS)
              .map((usage, column) => (
                <Histogram usage={usage} column={column} />
              ))}
          </div>
          {result.cardinalities.length > MOST_COLUMNS && (
            <p class="note">
              The first {MOST_COLUMNS} of {result.cardinalities.length} columns.
            </p>
          )}
        </>
      ) : (
        health && (
          <ul class="health">
            {health.levels.map(({ usage, perplexity, dead }, l) => (
              <li>
                level {l + 1}: {percent(usage)} in use, perplexity {perplexity.toFixed(1)}
                {dead > 0 ? `, ${dead} dead` : ""}
              </li>
            ))}
          </ul>
        )
      )}
    </section>
  );
}

function Histogram({ usage, column }: { readonly usage: ColumnUsage; readonly column: number }) {
  const { size, used, perplexity, counts } = usage;
  const most = counts[0]! || 1;
  const bars = Array.from(counts, (count, i) => `M${i} 1V${1 - count / most}h1V1z`).join("");
  return (
    <figure>
      <svg
        class="usage"
        viewBox={`0 0 ${size} 1`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Column ${column + 1}: ${used} of ${size} codes in use, perplexity ${perplexity.toFixed(1)}; the most frequent code has ${most} rows.`}
      >
        <path d={bars} />
      </svg>
      <figcaption>
        <b>{column + 1}</b> {used} of {size}, perplexity {perplexity.toFixed(1)}
      </figcaption>
    </figure>
  );
}
