// The ledger's rows: found by filters, page by page, and opened.
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { get, query } from "../api.js";
import { Select } from "../ui/form.js";
import { t } from "../ui/language.js";
import { useLoad } from "../ui/load.js";
import { Button, Empty, Failure, Loading, useId } from "../ui/parts.js";
import { go, route } from "../ui/route.js";
import { use } from "../ui/signal.js";
import { RequestDialog, RequestTable } from "./request_parts.js";

const EVERY_MS = 5000;
const LIMIT = 50;
const STATES = ["completed", "failed", "cancelled", "interrupted", "open"];
const SPANS = { hour: 3600, day: 86_400, week: 7 * 86_400 };

/** The range of the filter: a span that ends now, by the server's clock, or two times of the reader's own. */
function timesOf({ span, from, to }) {
  if (span in SPANS) return { last: SPANS[span] };
  if (span !== "own") return {};
  const iso = (text) => (text && !Number.isNaN(Date.parse(text)) ? new Date(text).toISOString() : undefined);
  return { from: iso(from), to: iso(to) };
}

function Filter({ label, children }) {
  const id = useId("filter");
  return html`<div class="filter"><label for=${id}>${label}</label>${children(id)}</div>`;
}

function Filters({ filter, change, providers, models }) {
  const listId = useId("models");
  const text = (name) => ({ value: filter[name] ?? "", onChange: (event) => change({ [name]: event.target.value }) });
  return html`
    <form class="filters" role="search" aria-label=${t("filters")} onSubmit=${(event) => event.preventDefault()}>
      <${Filter} label=${t("column.model")}>
        ${(id) => html`<input id=${id} type="search" list=${listId} autocomplete="off" ...${text("model")} /><datalist id=${listId}>${models.map((model) => html`<option value=${model}></option>`)}</datalist>`}
      <//>
      <${Filter} label=${t("column.provider")}>
        ${(id) => html`<${Select} id=${id} ...${text("provider_id")} options=${[["", t("all")], ...providers]} />`}
      <//>
      <${Filter} label=${t("column.state")}>
        ${(id) => html`<${Select} id=${id} ...${text("state")} options=${[["", t("all")], ...STATES.map((state) => [state, t(`state.${state}`)])]} />`}
      <//>
      <${Filter} label=${t("column.time")}>
        ${(id) => html`<${Select} id=${id} ...${text("span")} options=${[["", t("all.times")], ...Object.keys(SPANS).map((span) => [span, t(`range.${span}`)]), ["own", t("range.own")]]} />`}
      <//>
      ${filter.span === "own" && html`
        <${Filter} label=${t("range.from")}>${(id) => html`<input id=${id} type="datetime-local" ...${text("from")} />`}<//>
        <${Filter} label=${t("range.to")}>${(id) => html`<input id=${id} type="datetime-local" ...${text("to")} />`}<//>`}
    </form>`;
}

export function Requests() {
  const { query: given } = use(route);
  // Links of earlier versions named the conversation too.
  const { request, conversation: _, ...filter } = given;
  // Where each page begins; the last is the one that is shown.
  const [pages, setPages] = useState([null]);
  const [opened, open] = useState(null);
  const key = JSON.stringify(filter);
  useEffect(() => setPages([null]), [key]);
  const before = pages.at(-1);
  const { data, error } = useLoad(
    (signal) => {
      const { model, provider_id, state } = filter;
      return get(query("stats/requests", { limit: LIMIT, before, model, provider_id, state, ...timesOf(filter) }), signal);
    },
    [key, before],
    before === null ? EVERY_MS : 0,
  );
  const names = useLoad((signal) => get("stats/total", signal), []);
  const change = (part) => go("requests", null, Object.fromEntries(Object.entries({ ...filter, ...part }).filter(([, value]) => value)));
  const shown = opened ?? request;
  return html`
    <div class="page-head"><h1>${t("page.requests")}</h1></div>
    <${Filters} filter=${filter} change=${change}
      providers=${(names.data?.by_provider ?? []).map((one) => [String(one.provider_id), one.provider])}
      models=${(names.data?.by_model ?? []).map((one) => one.model)} />
    <${Failure} error=${error} />
    ${!data && !error && html`<${Loading} />`}
    ${data?.requests.length === 0 && html`<${Empty} title=${t("requests.none")} />`}
    ${data?.requests.length > 0 && html`<section class="card"><${RequestTable} rows=${data.requests} label=${t("page.requests")} onOpen=${(row) => open(row.request_id)} /></section>`}
    ${data && (data.next || pages.length > 1) && html`
      <div class="pager">
        <${Button} disabled=${pages.length === 1} onClick=${() => setPages(pages.slice(0, -1))}>${t("newer")}<//>
        <${Button} disabled=${!data.next} onClick=${() => setPages([...pages, data.next])}>${t("older")}<//>
      </div>`}
    ${shown && html`<${RequestDialog} key=${shown} id=${shown} onClose=${() => { open(null); if (request) change({}); }} />`}`;
}
