// What passes through the gateway, as it passes.
import { html, useState } from "../vendor/preact-htm.js";
import { get, query } from "../api.js";
import { count, duration, offset, percent, short, timeZone } from "../ui/format.js";
import { t } from "../ui/language.js";
import { useLoad } from "../ui/load.js";
import { Chart } from "../ui/chart.js";
import { Cell, Failure, Loading, Table } from "../ui/parts.js";
import { link } from "../ui/route.js";
import { memory } from "../ui/signal.js";
import { Guide } from "./guide.js";
import { registered } from "./models.js";

const EVERY_MS = 3000;
const RANGES = {
  hour: { seconds: 3600, bucket: "minute" },
  day: { seconds: 86_400, bucket: "hour" },
  week: { seconds: 7 * 86_400, bucket: "hour" },
  month: { seconds: 30 * 86_400, bucket: "day" },
};
const REMEMBERED = "nexus.range";

/** All figures of the page, in one request. The range ends now, by the server's clock. */
async function load(range, signal) {
  const { seconds: last, bucket } = RANGES[range];
  const ask = (time_zone) => get(query("stats/summary", { bucket, last, time_zone }), signal);
  try {
    return await ask(timeZone());
  } catch (error) {
    if (error.param !== "time_zone") throw error;
    // The server does not know the zone's name.
    return ask(offset());
  }
}

const Figure = ({ name, id, value, note }) => html`
  <div class="tile"><dt>${name}</dt><dd data-figure=${id}>${value}</dd>${note && html`<dd class="note">${note}</dd>`}</div>`;

function Figures({ totals }) {
  const { errors, latency_ms: latency } = totals;
  return html`
    <dl class="tiles">
      <${Figure} id="requests" name=${t("figure.requests")} value=${count(totals.requests)} note=${t("figure.rounds", { count: count(totals.total_rounds) })} />
      <${Figure} id="total_tokens" name=${t("figure.tokens")} value=${count(totals.total_tokens)}
        note=${t("figure.tokens.parts", { prompt: short(totals.prompt_tokens), completion: short(totals.completion_tokens) })} />
      <${Figure} id="errors" name=${t("figure.errors")} value=${count(errors)} note=${percent(errors, totals.requests)} />
      <${Figure} id="latency" name=${t("figure.latency")} value=${duration(latency?.p50)} note=${t("figure.latency.parts", { p90: duration(latency?.p90), p99: duration(latency?.p99) })} />
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

function Charts({ buckets, totals }) {
  const times = buckets.map((bucket) => Date.parse(bucket.start) / 1000);
  const of = (name) => buckets.map((bucket) => bucket[name]);
  const sum = (name) => count(of(name).reduce((total, value) => total + value, 0));
  const percentile = (name, which) => buckets.map((bucket) => bucket[name]?.[which] ?? null);
  const { latency_ms: latency } = totals;
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
      <${Chart} title=${t("chart.latency")} format=${duration} times=${times}
        summary=${t("chart.latency.summary", { p50: duration(latency?.p50), p99: duration(latency?.p99) })} empty=${!latency && t("nothing.yet")}
        series=${[
          { label: "p50", colour: "accent", values: percentile("latency_ms", "p50"), kind: "dots" },
          { label: "p99", colour: "bad", values: percentile("latency_ms", "p99"), kind: "dots" },
          { label: t("chart.first_token"), colour: "second", values: percentile("first_token_ms", "p50"), kind: "dots" },
        ]} />
    </div>`;
}

export function Overview() {
  const [range, choose] = useState(() => (memory.get(REMEMBERED) in RANGES ? memory.get(REMEMBERED) : "hour"));
  const { data, error, reload } = useLoad((signal) => load(range, signal), [range], EVERY_MS);
  // What is registered changes by hand alone: it is not asked for with each refresh.
  const all = useLoad(registered, []);
  const pick = (name) => { memory.set(REMEMBERED, name); choose(name); };
  const used = data && data.latest_request_id !== null;
  return html`
    <div class="page-head">
      <h1>${t("page.overview")}</h1>
      <div class="segments" role="group" aria-label=${t("range")}>
        ${Object.keys(RANGES).map((name) => html`
          <button type="button" aria-pressed=${name === range} onClick=${() => pick(name)}>${t(`range.${name}`)}</button>`)}
      </div>
    </div>
    <${Failure} error=${error ?? all.error} />
    ${!data && !error && html`<${Loading} />`}
    ${data && html`
      ${all.data && html`<${Guide} all=${all.data} used=${used} reload=${() => { all.reload(); reload(); }} />`}
      ${used && html`
        <${Figures} totals=${data.totals} />
        <${Charts} key=${range} buckets=${data.buckets} totals=${data.totals} />
        <div class="halves">
          <${Shares} title=${t("column.provider")} by=${t("by.provider")} rows=${data.totals.by_provider} whole=${data.totals.total_tokens}
            name=${(row) => row.provider} href=${(row) => link("requests", null, { provider_id: row.provider_id })} />
          <${Shares} title=${t("column.model")} by=${t("by.model")} rows=${data.totals.by_model} whole=${data.totals.total_tokens}
            name=${(row) => row.model} href=${(row) => link("requests", null, { model: row.model })} />
        </div>`}`}`;
}
