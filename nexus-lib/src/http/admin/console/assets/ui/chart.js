// Charts over time, by uPlot, in the page's colours.
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import uPlot from "../vendor/uplot.js";
import { short, when } from "./format.js";
import { language, locale } from "./language.js";
import { use } from "./signal.js";
import { isDark } from "./theme.js";

const HEIGHT = 200;
const TWO_DAYS = 2 * 86_400;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** `series` are `{ label, colour, values, kind }`; `kind` is `line`, `bars` or `dots`. */
function options(series, format, width, spanSeconds, onPoint) {
  const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const label = (seconds) => {
    const day = { month: "numeric", day: "numeric" };
    const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", second: spanSeconds < 600 ? "2-digit" : undefined };
    return new Intl.DateTimeFormat(locale(), spanSeconds > TWO_DAYS ? day : time).format(new Date(seconds * 1000));
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    hooks: { setCursor: [(plot) => onPoint(plot.cursor.left >= 0 ? plot.cursor.idx : null)] },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    // Room at both ends, so that what is there is not cut in half.
    scales: { x: { time: true, range: (_, min, max) => { const room = Math.max((max - min) * 0.02, 0.5); return [min - room, max + room]; } }, y: { range: (_, min, max) => [0, Math.max(max * 1.15, 5)] } },
    axes: [
      { ...axis, grid: { show: false }, size: 32, space: 76, values: (_, splits) => splits.map(label) },
      { ...axis, size: 56, values: (_, splits) => splits.map((value) => format(value)) },
    ],
    series: [{}, ...series.map(({ colour: name, kind }) => {
      const stroke = colour(name);
      if (kind === "bars") return { stroke, fill: stroke, width: 0, paths: uPlot.paths.bars({ size: [0.75, 28, 3], radius: 0.15 }), points: { show: false } };
      if (kind === "dots") return { stroke, paths: () => null, points: { show: true, size: 5, fill: stroke, width: 0 } };
      return { stroke, width: 2, fill: `${stroke}22`, points: { show: false } };
    })],
  };
}

/** One chart with its legend. `summary` says in words what it shows, for those who do not see it. */
export function Chart({ title, summary, times, series, format = short, empty }) {
  const frame = useRef(null);
  const plot = useRef(null);
  // Whose figures are told: what the pointer is at.
  const [at, point] = useState(null);
  const dark = use(isDark);
  const spoken = use(language);
  const shape = series.map(({ kind }) => kind).join();
  const data = [times, ...series.map(({ values }) => values)];
  const latest = useRef(data);
  latest.current = data;
  const span = times.length ? times.at(-1) - times[0] : 0;
  const steps = [span < 600, span > TWO_DAYS].join();
  useEffect(() => {
    const element = frame.current;
    const width = () => Math.max(element.clientWidth, 120);
    plot.current = new uPlot(options(series, format, width(), span, point), latest.current, element);
    const watch = new ResizeObserver(() => plot.current?.setSize({ width: width(), height: HEIGHT }));
    watch.observe(element);
    return () => { watch.disconnect(); plot.current.destroy(); plot.current = null; };
  }, [dark, spoken, shape, steps]);
  useEffect(() => { plot.current?.setData(latest.current); }, [times, series]);
  return html`
    <section class="card chart">
      <div class="chart-head">
        <h2>${title}</h2>
        <ul class="legend">
          ${at !== null && times[at] !== undefined && html`<li>${when(times[at] * 1000)}</li>`}
          ${series.map(({ label, colour: name, values }) => html`
            <li><span class=${`dot ${name}`} aria-hidden="true"></span>${label}${at !== null && html` <strong>${format(values[at])}</strong>`}</li>`)}
        </ul>
      </div>
      <div class="plot" ref=${frame} role="img" aria-label=${`${title}: ${summary}`}></div>
      ${empty && html`<p class="plot-empty">${empty}</p>`}
    </section>`;
}
