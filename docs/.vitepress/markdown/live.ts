/**
 * Figures that live: a part of the playground, which the reader can train. A guide asks for one by a fence with the settings
 * as the playground's address has them, and what is to be seen:
 *
 *     ```live
 *     data=moons&spec=rq2x8&seed=1
 *     Two levels: the second codebook stands for what the first left over.
 *     ```
 */
export function liveFigure(hasPlayground: boolean): (content: string) => string {
  return (content) => {
    const [settings = "", ...words] = content.trim().split("\n");
    const caption = words.join(" ");
    if (!hasPlayground) {
      return `<p class="live"><em>Here is a figure to train, where the playground is built.</em> ${escaped(caption)}</p>\n`;
    }
    const source = `/playground/index.html#${settings}&embed=yes`;
    return (
      `<figure class="live"><iframe src="${escaped(source)}" title="${escaped(caption)}" loading="lazy"></iframe>` +
      `<figcaption>${escaped(caption)}</figcaption></figure>\n`
    );
  };
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
