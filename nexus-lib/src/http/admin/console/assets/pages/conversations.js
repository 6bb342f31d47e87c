// Conversations: what belongs together, and what it cost.
import { html, useRef, useState } from "../vendor/preact-htm.js";
import { get, query } from "../api.js";
import { count, dateTime, when } from "../ui/format.js";
import { t } from "../ui/language.js";
import { useLoad } from "../ui/load.js";
import { Button, Cell, Empty, Facts, Failure, Loading, Table } from "../ui/parts.js";
import { link, route, scoped } from "../ui/route.js";
import { use } from "../ui/signal.js";
import { RequestDialog, RequestTable } from "./request_parts.js";
import { Transcript } from "./transcript.js";

const EVERY_MS = 5000;
const LIMIT = 30;
/** Of what is new since the last time. */
const MOST_NEW = 1000;

function List() {
  const [pages, setPages] = useState([null]);
  const before = pages.at(-1);
  const { data, error } = useLoad((signal) => get(query("stats/conversations", { limit: LIMIT, before }), signal), [before], before === null ? EVERY_MS : 0);
  const columns = ["last", "conversation", "models", "rounds", "prompt", "completion", "total"].map((name) => t(`column.${name}`));
  return html`
    <div class="page-head"><h1>${t("page.conversations")}</h1></div>
    <${Failure} error=${error} />
    ${!data && !error && html`<${Loading} />`}
    ${data?.conversations.length === 0 && html`<${Empty} title=${t("conversations.none")} />`}
    ${data?.conversations.length > 0 && html`
      <section class="card">
        <${Table} label=${t("page.conversations")} columns=${columns.map((title, index) => ({ title, figure: index > 2 }))}>
          ${data.conversations.map((one) => html`
            <tr key=${`${one.conversation_id} ${one.conversation_scope}`}>
              <${Cell} label=${columns[0]}>${when(one.last_at)}<//>
              <${Cell} label=${columns[1]} kind="main"><a class="mono cut" href=${link("conversations", one.conversation_id, scoped(one))}>${one.conversation_id}</a><//>
              <${Cell} label=${columns[2]}><span class="mono">${one.models.join(", ")}</span><//>
              <${Cell} figure=${true} label=${columns[3]}>${count(one.rounds)}<//>
              <${Cell} figure=${true} label=${columns[4]}>${count(one.prompt_tokens)}<//>
              <${Cell} figure=${true} label=${columns[5]}>${count(one.completion_tokens)}<//>
              <${Cell} figure=${true} label=${columns[6]}>${count(one.total_tokens)}<//>
            </tr>`)}
        <//>
      </section>`}
    ${data && (data.next || pages.length > 1) && html`
      <div class="pager">
        <${Button} disabled=${pages.length === 1} onClick=${() => setPages(pages.slice(0, -1))}>${t("newer")}<//>
        <${Button} disabled=${!data.next} onClick=${() => setPages([...pages, data.next])}>${t("older")}<//>
      </div>`}`;
}

/**
 * A conversation: at first its newest page, then only what is new since. Rows that were open are asked for
 * again. The newest line of the archive has all that was said before.
 */
function useConversation(id, scope) {
  const path = `stats/conversation/${encodeURIComponent(id)}`;
  const seen = useRef({ rows: [], line: null, next: null });
  const load = async (signal) => {
    const { rows, line, next } = seen.current;
    const open = rows.findIndex((row) => row.state === "open");
    const known = open < 0 ? rows : rows.slice(0, open);
    const after = known.at(-1)?.request_id;
    const page = await get(query(path, { scope, limit: after ? MOST_NEW : LIMIT, after, messages: "last" }), signal);
    seen.current = { rows: [...known, ...page.requests], line: page.messages.at(-1) ?? line, next: after ? next : page.next };
    return { ...page, ...seen.current };
  };
  const loaded = useLoad(load, [id, scope], EVERY_MS);
  const older = async () => {
    const page = await get(query(path, { scope, limit: LIMIT, before: seen.current.next, messages: "none" }));
    seen.current = { ...seen.current, rows: [...page.requests, ...seen.current.rows], next: page.next };
    loaded.reload();
  };
  return { ...loaded, older };
}

function One({ id, scope }) {
  const { data, error, older } = useConversation(id, scope);
  const [opened, open] = useState(null);
  const line = data?.line;
  return html`
    <div class="page-head">
      <h1>${t("conversation")}</h1>
      <a class="button" href=${link("conversations")}>${t("conversations.all")}</a>
    </div>
    <p class="mono muted">${id}</p>
    <${Failure} error=${error} />
    ${!data && !error && html`<${Loading} />`}
    ${data && html`
      <section class="card">
        <${Facts} of=${[
          [t("column.rounds"), count(data.rounds)],
          [t("column.tokens"), t("request.tokens", { prompt: count(data.prompt_tokens), completion: count(data.completion_tokens), total: count(data.total_tokens) })],
          [t("column.models"), html`<span class="mono">${data.by_model.map((one) => one.model).join(", ")}</span>`],
          [t("request.started"), dateTime(data.began_at)],
        ]} />
      </section>
      <section class="card">
        <h2>${t("page.requests")}</h2>
        ${data.next && html`<p><${Button} onClick=${older}>${t("older")}<//></p>`}
        <${RequestTable} rows=${data.rows} label=${t("page.requests")} onOpen=${(row) => open(row.request_id)} />
      </section>
      <section class="card">
        <h2>${t("request.messages")}</h2>
        ${line ? html`<${Transcript} line=${line} />` : html`<p class="muted">${t("request.messages.none")}</p>`}
      </section>`}
    ${opened && html`<${RequestDialog} key=${opened} id=${opened} onClose=${() => open(null)} />`}`;
}

export function Conversations() {
  const { id, query: { scope } } = use(route);
  return id === null ? html`<${List} />` : html`<${One} key=${`${id} ${scope}`} id=${id} scope=${scope} />`;
}
