// Charts over time, by uPlot, in the page's colours.
import { html, useEffect, useRef } from "../vendor/preact-htm.js";
import uPlot from "../vendor/uplot.js";
import { short } from "./format.js";
import { language, locale } from "./language.js";
import { use } from "./signal.js";
import { isDark } from "./theme.js";

const HEIGHT = 200;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** `series` are `{ label, colour, values, kind }`; `kind` is `line`, `bars` or `dots`. */
function options(series, format, width, spanSeconds) {
  const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const label = (seconds) => {
    const asDate = spanSeconds > 2 * 86_400;
    const parts = asDate ? { month: "numeric", day: "numeric" } : { hour: "2-digit", minute: "2-digit" };
    return new Intl.DateTimeFormat(locale(), parts).format(new Date(seconds * 1000));
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: { x: { time: true }, y: { range: (_, min, max) => [0, Math.max(max * 1.15, 1)] } },
    axes: [
      { ...axis, grid: { show: false }, space: 70, values: (_, splits) => splits.map(label) },
      { ...axis, size: 56, values: (_, splits) => splits.map((value) => format(value)) },
    ],
    series: [{}, ...series.map(({ colour: name, kind }) => {
      const stroke = colour(name);
      if (kind === "bars") return { stroke, fill: stroke, width: 0, paths: uPlot.paths.bars({ size: [0.7, 24], radius: 0.2 }), points: { show: false } };
      if (kind === "dots") return { stroke, paths: () => null, points: { show: true, size: 5, fill: stroke, width: 0 } };
      return { stroke, width: 2, fill: `${stroke}22`, points: { show: false } };
    })],
  };
}

/** One chart with its legend. `summary` says in words what it shows, for those who do not see it. */
export function Chart({ title, summary, times, series, format = short, empty }) {
  const frame = useRef(null);
  const plot = useRef(null);
  const dark = use(isDark);
  const spoken = use(language);
  const shape = series.map(({ kind }) => kind).join();
  const data = [times, ...series.map(({ values }) => values)];
  const latest = useRef(data);
  latest.current = data;
  const span = times.length ? times.at(-1) - times[0] : 0;
  const isLong = span > 2 * 86_400;
  useEffect(() => {
    const element = frame.current;
    const width = () => Math.max(element.clientWidth, 120);
    plot.current = new uPlot(options(series, format, width(), span), latest.current, element);
    const watch = new ResizeObserver(() => plot.current?.setSize({ width: width(), height: HEIGHT }));
    watch.observe(element);
    return () => { watch.disconnect(); plot.current.destroy(); plot.current = null; };
  }, [dark, spoken, shape, isLong]);
  useEffect(() => { plot.current?.setData(latest.current); });
  return html`
    <section class="card chart">
      <div class="chart-head">
        <h2>${title}</h2>
        <ul class="legend">${series.map(({ label, colour: name }) => html`<li><span class=${`dot ${name}`} aria-hidden="true"></span>${label}</li>`)}</ul>
      </div>
      <div class="plot" ref=${frame} role="img" aria-label=${`${title}: ${summary}`}></div>
      ${empty && html`<p class="plot-empty">${empty}</p>`}
    </section>`;
}
