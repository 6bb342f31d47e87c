// What passes through the gateway, as it passes.
import { html, useState } from "../vendor/preact-htm.js";
import { get, query } from "../api.js";
import { count, duration, percent, short } from "../ui/format.js";
import { t } from "../ui/language.js";
import { useLoad } from "../ui/load.js";
import { Chart } from "../ui/chart.js";
import { Cell, Failure, Loading, Table } from "../ui/parts.js";
import { link } from "../ui/route.js";
import { memory } from "../ui/signal.js";
import { Guide } from "./guide.js";
import { registered } from "./models.js";

const EVERY_MS = 3000;
/** Of how many requests the latency is shown. */
const LATEST = 500;
const RANGES = {
  hour: { seconds: 3600, bucket: "minute" },
  day: { seconds: 86_400, bucket: "hour" },
  week: { seconds: 7 * 86_400, bucket: "hour" },
  month: { seconds: 30 * 86_400, bucket: "day" },
};
const REMEMBERED = "nexus.range";

async function load(range, signal) {
  const { seconds, bucket } = RANGES[range];
  const from = new Date(Date.now() - seconds * 1000).toISOString();
  const [totals, series, page, all] = await Promise.all([
    get(query("stats/total", { from }), signal),
    get(query("stats/series", { bucket, from }), signal),
    get(query("stats/requests", { from, limit: LATEST }), signal),
    registered(signal),
  ]);
  const used = totals.requests > 0 || (await get("stats/requests?limit=1", signal)).requests.length > 0;
  return { totals, buckets: series.buckets, rows: page.requests, all, used };
}

/** The value that a share of all lies below. */
function quantile(sorted, share) {
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] : null;
}

const Figure = ({ name, id, value, note }) => html`
  <div class="tile"><dt>${name}</dt><dd data-figure=${id}>${value}</dd>${note && html`<dd class="note">${note}</dd>`}</div>`;

function Figures({ totals, buckets, latency }) {
  const errors = buckets.reduce((sum, bucket) => sum + bucket.errors, 0);
  return html`
    <dl class="tiles">
      <${Figure} id="requests" name=${t("figure.requests")} value=${count(totals.requests)} note=${t("figure.rounds", { count: count(totals.total_rounds) })} />
      <${Figure} id="total_tokens" name=${t("figure.tokens")} value=${count(totals.total_tokens)}
        note=${t("figure.tokens.parts", { prompt: short(totals.prompt_tokens), completion: short(totals.completion_tokens) })} />
      <${Figure} id="errors" name=${t("figure.errors")} value=${count(errors)} note=${percent(errors, totals.requests)} />
      <${Figure} id="latency" name=${t("figure.latency")} value=${duration(quantile(latency, 0.5))} note=${t("figure.latency.p95", { value: duration(quantile(latency, 0.95)) })} />
      <${Figure} id="conversations" name=${t("figure.conversations")} value=${count(totals.total_conversations)} />
    </dl>`;
}

function Shares({ title, by, rows: unsorted, whole, name, href }) {
  const rows = [...unsorted].sort((a, b) => b.total_tokens - a.total_tokens || b.requests - a.requests);
  const columns = [title, t("figure.requests"), t("column.prompt"), t("column.completion"), t("column.total")];
  return html`
    <section class="card">
      <h2>${by}</h2>
      <${Table} label=${by} columns=${columns.map((column, index) => ({ title: column, figure: index > 0 }))}>
        ${rows.map((row) => html`
          <tr>
            <${Cell} label=${columns[0]} kind="main">
              <a href=${href(row)}>${name(row)}</a>
              <progress max=${Math.max(whole, 1)} value=${row.total_tokens} aria-label=${t("share", { name: name(row) })}></progress>
            <//>
            <${Cell} figure=${true} label=${columns[1]}>${count(row.requests)}<//>
            <${Cell} figure=${true} label=${columns[2]}>${count(row.prompt_tokens)}<//>
            <${Cell} figure=${true} label=${columns[3]}>${count(row.completion_tokens)}<//>
            <${Cell} figure=${true} label=${columns[4]}>${count(row.total_tokens)}<//>
          </tr>`)}
      <//>
      ${rows.length === 0 && html`<p class="muted">${t("nothing.yet")}</p>`}
    </section>`;
}

function Charts({ buckets, rows }) {
  const times = buckets.map((bucket) => Date.parse(bucket.start) / 1000);
  const of = (name) => buckets.map((bucket) => bucket[name]);
  const sum = (name) => count(of(name).reduce((total, value) => total + value, 0));
  // uPlot wants times that rise.
  const timed = rows.filter((row) => row.duration_ms !== null).reverse();
  return html`
    <div class="charts">
      <${Chart} title=${t("chart.requests")} times=${times} summary=${t("chart.requests.summary", { requests: sum("requests"), errors: sum("errors") })}
        series=${[
          { label: t("figure.requests"), colour: "accent", values: of("requests"), kind: "bars" },
          { label: t("figure.errors"), colour: "bad", values: of("errors"), kind: "bars" },
        ]} />
      <${Chart} title=${t("chart.tokens")} times=${times} summary=${t("figure.tokens.parts", { prompt: sum("prompt_tokens"), completion: sum("completion_tokens") })}
        series=${[
          { label: t("column.prompt"), colour: "accent", values: of("prompt_tokens"), kind: "line" },
          { label: t("column.completion"), colour: "second", values: of("completion_tokens"), kind: "line" },
        ]} />
      <${Chart} title=${t("chart.latency", { count: count(timed.length) })} format=${duration}
        times=${timed.map((row) => Date.parse(row.started_at) / 1000)} summary=${t("chart.latency.summary")}
        empty=${timed.length === 0 && t("nothing.yet")}
        series=${[
          { label: t("column.duration"), colour: "accent", values: timed.map((row) => row.duration_ms), kind: "dots" },
          { label: t("column.first_token"), colour: "second", values: timed.map((row) => row.first_token_ms), kind: "dots" },
        ]} />
    </div>`;
}

export function Overview() {
  const [range, choose] = useState(() => (memory.get(REMEMBERED) in RANGES ? memory.get(REMEMBERED) : "hour"));
  const { data, error, reload } = useLoad((signal) => load(range, signal), [range], EVERY_MS);
  const pick = (name) => { memory.set(REMEMBERED, name); choose(name); };
  const latency = (data?.rows ?? []).map((row) => row.duration_ms).filter((ms) => ms !== null).sort((a, b) => a - b);
  return html`
    <div class="page-head">
      <h1>${t("page.overview")}</h1>
      <div class="segments" role="group" aria-label=${t("range")}>
        ${Object.keys(RANGES).map((name) => html`
          <button type="button" aria-pressed=${name === range} onClick=${() => pick(name)}>${t(`range.${name}`)}</button>`)}
      </div>
    </div>
    <${Failure} error=${error} />
    ${!data && !error && html`<${Loading} />`}
    ${data && html`
      <${Guide} all=${data.all} used=${data.used} reload=${reload} />
      ${data.used && html`
        <${Figures} totals=${data.totals} buckets=${data.buckets} latency=${latency} />
        <${Charts} key=${range} buckets=${data.buckets} rows=${data.rows} />
        <div class="halves">
          <${Shares} title=${t("column.provider")} by=${t("by.provider")} rows=${data.totals.by_provider} whole=${data.totals.total_tokens}
            name=${(row) => row.provider} href=${(row) => link("requests", null, { provider_id: row.provider_id })} />
          <${Shares} title=${t("column.model")} by=${t("by.model")} rows=${data.totals.by_model} whole=${data.totals.total_tokens}
            name=${(row) => row.model} href=${(row) => link("requests", null, { model: row.model })} />
        </div>`}`}`;
}
