import { Html } from "./html.js";

/**
 * Nine hues that stay apart for the common kinds of colour blindness (after Paul Tol's "muted" scheme), for light and
 * for dark paper, where they must be lighter.
 */
const LIGHT = "#332288 #cc6677 #117733 #ddaa33 #3399bb #882255 #44aa99 #88822a #aa4499".split(" ");
const DARK = "#8f86e8 #e58a99 #4fb36b #e6c35c #88ccee #d45f92 #62c9b8 #b8b45a #cf7cc4".split(" ");

export const HUES = LIGHT.length;

const variables = (hues: readonly string[]) => hues.map((hue, i) => `--hue${i}:${hue};`).join("");

/** The page's one style sheet. No fonts or pictures from elsewhere. */
export const STYLE = new Html(`<style>
:root{color-scheme:light dark;--paper:#fbfaf7;--card:#fff;--ink:#23252b;--soft:#5f646e;--line:#e3e1da;--bar:#4f7cac;--barsoft:#d6e0ea;--warm:#b5622b;${variables(LIGHT)}}
@media (prefers-color-scheme:dark){:root{--paper:#15171c;--card:#1d2027;--ink:#e6e7ea;--soft:#a0a5b0;--line:#31353e;--bar:#82aedb;--barsoft:#2c3a4a;--warm:#e29a62;${variables(DARK)}}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;-webkit-text-size-adjust:100%}
main{max-width:60rem;margin:0 auto;padding:2rem 1rem 4rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .4rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:0 0 .2rem}
p{margin:.2rem 0 .9rem;color:var(--soft);max-width:46rem}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.1rem 1.2rem 1.2rem;margin-top:1rem}
code,pre,.code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.9em}
.chip{display:inline-block;border:1px solid var(--line);border-radius:99px;padding:.05rem .7rem;background:var(--card)}
dl.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.9rem 1rem;margin:1.2rem 0 0}
dl.facts div{min-width:0}
dt{color:var(--soft);font-size:.85rem}
dd{margin:0;font-size:1.25rem;font-variant-numeric:tabular-nums}
dd small{font-size:.8rem;color:var(--soft);display:block;line-height:1.3}
.bars{display:grid;grid-template-columns:max-content 1fr max-content;gap:.45rem .8rem;align-items:center;font-variant-numeric:tabular-nums}
.bars .value{text-align:right;white-space:nowrap}
.bars .value small{color:var(--soft)}
.track{background:var(--barsoft);border-radius:3px;height:1rem;position:relative}
.track i{display:block;height:100%;background:var(--bar);border-radius:3px;min-width:2px}
.track b{position:absolute;top:-3px;bottom:-3px;width:2px;background:var(--warm)}
.levels{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:1rem}
figure{margin:0;min-width:0}
figcaption{font-size:.88rem;color:var(--soft);margin-top:.25rem}
figcaption strong{color:var(--ink)}
svg{display:block;width:100%;overflow:visible}
.usage{height:5.5rem;background:linear-gradient(var(--line),var(--line)) 0 100%/100% 1px no-repeat}
.usage path{fill:var(--bar)}
.usage line{stroke:var(--warm);stroke-width:1.5;stroke-dasharray:4 3;vector-effect:non-scaling-stroke}
.map{position:relative;margin-top:.6rem}
.map svg path{stroke-width:7;fill:none;vector-effect:non-scaling-stroke;stroke-opacity:.75}
.map svg path:hover{stroke-width:13;stroke-opacity:1}
.map .round{stroke-linecap:round}.map .square{stroke-linecap:square;stroke-width:5}
.map b{position:absolute;transform:translate(-50%,-50%);pointer-events:none;font-size:.8rem;line-height:1;padding:.12rem .3rem;border-radius:4px;background:var(--card);border:1px solid var(--line);opacity:.92}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin:.8rem 0 0;padding:0;list-style:none;font-size:.85rem;color:var(--soft)}
.legend i{display:inline-block;width:.7em;height:.7em;margin-right:.4em;border-radius:50%}
.legend i.square{border-radius:1px}
table{border-collapse:collapse;width:100%;font-size:.9rem}
td,th{text-align:left;padding:.3rem .8rem .3rem 0;border-top:1px solid var(--line);vertical-align:top}
tr:first-child td,tr:first-child th{border-top:0}
td.code{white-space:nowrap}
details{border-top:1px solid var(--line)}
details details{border-top:0;margin-left:1.1rem}
summary{cursor:pointer;padding:.28rem 0;display:grid;grid-template-columns:max-content 3.2rem max-content minmax(0,1fr);gap:.7rem;align-items:center}
summary::before{content:"▸";position:absolute;margin-left:-.95rem;color:var(--soft);font-size:.8rem}
details[open]>summary::before{content:"▾"}
summary::-webkit-details-marker{display:none}
.tree{padding-left:1rem}
.tree .n{color:var(--soft);font-size:.85rem;font-variant-numeric:tabular-nums;text-align:right}
.tree .track{height:.5rem}
.tree .some{color:var(--soft);font-size:.85rem;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.tree ul{list-style:none;margin:.1rem 0 .5rem 1.1rem;padding:0;font-size:.92rem}
.tree li{display:flex;gap:.8rem;padding:.05rem 0;overflow-wrap:anywhere}
.tree li .code{color:var(--soft);flex:none}
.tree .more{color:var(--soft);font-size:.85rem;margin:.2rem 0 .4rem 1.1rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--paper);border:1px solid var(--line);border-radius:6px;padding:.7rem .9rem;margin:.5rem 0 .8rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr));gap:1.4rem 1.6rem}
.chart figcaption{margin:0 0 .5rem}
.plot{display:grid;grid-template:11rem 1.3rem/3.4rem minmax(0,1fr)}
.plot svg{height:100%;border-bottom:1px solid var(--line)}
.ys,.xs{position:relative;font-size:.75rem;color:var(--soft);font-variant-numeric:tabular-nums}
.ys span{position:absolute;right:.45rem;transform:translateY(50%);white-space:nowrap}
.xs{grid-column:2}
.xs span{position:absolute;transform:translateX(-50%);padding-top:.15rem}
.xs span:first-child{transform:none}
.chart path{fill:none;stroke-width:2;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.chart line{vector-effect:non-scaling-stroke}
.chart .grid{stroke:var(--line)}
.chart .mark{stroke:var(--soft);stroke-dasharray:1 3;stroke-width:1.5}
.chart .legend{margin-top:.3rem}
.chart .legend li{display:flex;align-items:center}
.chart .legend svg{width:28px;height:8px;margin-right:.45em;flex:none}
.chart details,details.all{border:0;margin-top:.2rem}
.chart summary,.all summary{display:list-item;list-style:revert;margin-left:1.1rem;font-size:.85rem;color:var(--soft)}
.chart summary::before,.all summary::before{content:none!important}
.chart summary::-webkit-details-marker,.all summary::-webkit-details-marker{display:revert}
@media (max-width:36rem){main{padding:1.2rem .6rem 3rem}section{padding:.9rem .8rem}summary{grid-template-columns:max-content max-content minmax(0,1fr)}summary .track{display:none}.map svg path{stroke-width:5}.map b{font-size:.6rem;padding:.08rem .2rem}.tree li{display:block}.tree li .code{display:block;font-size:.72em}.tree ul{margin-left:.2rem}td{display:block;border:0;padding-top:0}td:first-child{border-top:1px solid var(--line);padding-top:.3rem}tr:first-child td{border-top:0}.bars{gap:.4rem .5rem;font-size:.9rem}details details{margin-left:.8rem}}
@media print{section{break-inside:avoid}}
</style>`);
