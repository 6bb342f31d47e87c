// A request of the ledger: as a row of a table, and opened.
import { html, useState } from "../vendor/preact-htm.js";
import { get } from "../api.js";
import { count, dateTime, duration, when } from "../ui/format.js";
import { t } from "../ui/language.js";
import { useLoad } from "../ui/load.js";
import { Badge, Cell, Dialog, Facts, Failure, Loading, Table } from "../ui/parts.js";
import { link, scoped } from "../ui/route.js";
import { Transcript } from "./transcript.js";

const TONES = { completed: "good", failed: "bad", interrupted: "bad", cancelled: "warn", open: "live" };

export const State = ({ of }) => html`<${Badge} tone=${TONES[of] ?? "plain"}>${t(`state.${of}`)}<//>`;

const tokens = (row) => (row.usage_source === "none" ? "–" : count(row.total_tokens));

export function RequestTable({ rows, label, onOpen }) {
  const columns = ["time", "model", "provider", "state", "tokens", "first_token", "duration"].map((name) => t(`column.${name}`));
  return html`
    <${Table} label=${label} columns=${columns.map((title, index) => ({ title, figure: index > 3 }))}>
      ${rows.map((row) => html`
        <tr key=${row.request_id} class="opens" onClick=${(event) => { if (!event.target.closest("button, a")) onOpen(row); }}>
          <${Cell} label=${columns[0]} kind="main"><button type="button" class="as-link" onClick=${() => onOpen(row)}>${when(row.started_at)}</button><//>
          <${Cell} label=${columns[1]}><span class="mono">${row.model}</span><//>
          <${Cell} label=${columns[2]}>${row.provider}<//>
          <${Cell} label=${columns[3]}><${State} of=${row.state} /><//>
          <${Cell} figure=${true} label=${columns[4]}>${tokens(row)}<//>
          <${Cell} figure=${true} label=${columns[5]}>${duration(row.first_token_ms)}<//>
          <${Cell} figure=${true} label=${columns[6]}>${duration(row.duration_ms)}<//>
        </tr>`)}
    <//>`;
}

/** How the time was spent: waiting for the first token, then receiving. */
function Timing({ row }) {
  const whole = row.duration_ms;
  if (whole === null) return null;
  const first = row.first_token_ms;
  return html`
    <section>
      <h3>${t("request.timing")}</h3>
      <progress class="timing" max=${Math.max(whole, 1)} value=${first ?? whole} aria-label=${t("request.timing")}></progress>
      <p class="timing-words">
        ${first === null
          ? t("request.timing.whole", { whole: duration(whole) })
          : t("request.timing.parts", { first: duration(first), rest: duration(whole - first), whole: duration(whole) })}
      </p>
    </section>`;
}

/** What came of each request to a provider, in order. */
function Tries({ row }) {
  const columns = ["provider", "status", "duration", "error"].map((name) => t(`column.${name}`));
  return html`
    <section>
      <h3>${t("request.tries")}</h3>
      <${Table} label=${t("request.tries")} columns=${columns.map((title, index) => ({ title, figure: index === 1 || index === 2 }))}>
        ${row.tries.map((one) => html`
          <tr>
            <${Cell} label=${columns[0]} kind="main">${one.provider}<//>
            <${Cell} figure=${true} label=${columns[1]}>${one.status ?? "–"}<//>
            <${Cell} figure=${true} label=${columns[2]}>${duration(one.duration_ms)}<//>
            <${Cell} label=${columns[3]} kind=${one.error ? "wide" : "none"}>${one.error ?? "–"}<//>
          </tr>`)}
      <//>
    </section>`;
}

const OPEN_EVERY_MS = 2000;

/** A request opened, by its id. Its messages are those of its line in the archive, if there is one. */
export function RequestDialog({ id, onClose }) {
  const [isOpen, setOpen] = useState(true);
  const load = async (signal) => {
    const row = await get(`stats/requests/${encodeURIComponent(id)}`, signal);
    setOpen(row.state === "open");
    return row;
  };
  const { data: row, error } = useLoad(load, [id, isOpen], isOpen ? OPEN_EVERY_MS : 0);
  const line = row?.messages.at(-1);
  return html`
    <${Dialog} wide=${true} title=${t("request.title")} onClose=${onClose}>
      <${Failure} error=${error} />
      ${!row && !error && html`<${Loading} />`}
      ${row && html`
      <div class="row-head"><${State} of=${row.state} /><span class="mono">${row.model}</span><span class="muted">${row.provider}</span></div>
      ${row.error && html`<pre class="failure">${row.error}</pre>`}
      <${Timing} row=${row} />
      <${Facts} of=${[
        [t("column.tokens"), t("request.tokens", { prompt: count(row.prompt_tokens), completion: count(row.completion_tokens), total: count(row.total_tokens) })],
        [t("request.usage_source"), t(`usage.${row.usage_source}`)],
        row.cached_tokens > 0 && [t("request.cached"), count(row.cached_tokens)],
        row.reasoning_tokens > 0 && [t("request.reasoning"), count(row.reasoning_tokens)],
        [t("request.attempts"), count(row.attempts)],
        [t("request.status"), row.status ?? "–"],
        row.upstream_status !== row.status && [t("request.upstream_status"), row.upstream_status ?? "–"],
        [t("request.started"), dateTime(row.started_at)],
        [t("model.upstream_model"), html`<span class="mono">${row.upstream_model ?? row.model}</span>`],
        [t("request.operation"), html`<span class="mono">${row.operation}${row.stream ? ` · ${t("request.streamed")}` : ""}</span>`],
        [t("request.id"), html`<span class="mono">${row.request_id}</span>`],
        [t("request.conversation"), html`<a class="mono" href=${link("conversations", row.conversation_id, scoped(row))} onClick=${onClose}>${row.conversation_id}</a>`],
      ]} />
      ${row.tries.length > 0 && (row.tries.length > 1 || row.tries[0].error) && html`<${Tries} row=${row} />`}
      <section>
        <h3>${t("request.messages")}</h3>
        ${line ? html`<${Transcript} line=${line} />` : html`<p class="muted">${t("request.messages.none")}</p>`}
      </section>`}
    <//>`;
}
