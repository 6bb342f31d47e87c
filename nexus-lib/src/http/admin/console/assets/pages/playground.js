// A chat with any registered model, and what it costs.
import { html, useEffect, useRef } from "../vendor/preact-htm.js";
import { ConnectionLost } from "../api.js";
import { Select } from "../ui/form.js";
import { count, duration } from "../ui/format.js";
import { t } from "../ui/language.js";
import { useLoad } from "../ui/load.js";
import { Button, Empty, Failure, Loading } from "../ui/parts.js";
import { link, route } from "../ui/route.js";
import { signal, use } from "../ui/signal.js";
import { chat, settled } from "./chat.js";
import { registered } from "./models.js";
import { Message } from "./transcript.js";

const FRESH = { turns: [], conversation: null, total: null, draft: "", busy: false, error: null };
const CHOICES = { provider: "", model: "", system: "", temperature: "", maxTokens: "" };

// Kept beside the page, so that a chat is still there when the reader comes back to it.
const talk = signal({ ...CHOICES, ...FRESH });
let abort = null;

const change = (part) => { talk.value = { ...talk.value, ...part }; };
const changeLast = (part) => change({ turns: [...talk.value.turns.slice(0, -1), { ...talk.value.turns.at(-1), ...part }] });

function bodyOf({ provider, model, system, temperature, maxTokens, turns }) {
  const said = turns.filter((turn) => turn.text && !turn.error).map(({ role, text }) => ({ role, content: text }));
  const body = { provider_id: Number(provider), model, messages: system.trim() ? [{ role: "system", content: system }, ...said] : said };
  if (temperature !== "") body.temperature = Number(temperature);
  if (maxTokens !== "") body.max_tokens = Number(maxTokens);
  return body;
}

async function say() {
  const { draft, turns, busy, conversation, model } = talk.value;
  if (busy || !draft.trim() || !model) return;
  change({ turns: [...turns, { role: "user", text: draft }], draft: "", busy: true, error: null });
  const body = bodyOf(talk.value);
  change({ turns: [...talk.value.turns, { role: "assistant", text: "", thought: "", live: true }] });
  abort = new AbortController();
  const began = performance.now();
  let ids = null;
  let first = null;
  // One drawing a frame, however many pieces come.
  let pending = { text: "", thought: "" };
  let frame = 0;
  const draw = () => {
    frame = 0;
    const last = talk.value.turns.at(-1);
    changeLast({ text: last.text + pending.text, thought: last.thought + pending.thought, first });
    pending = { text: "", thought: "" };
  };
  const end = (part) => { if (frame) cancelAnimationFrame(frame); draw(); changeLast({ live: false, ms: performance.now() - began, ...part }); };
  try {
    await chat({
      body,
      conversation,
      signal: abort.signal,
      onStart: (given) => { ids = given; },
      onText: (text, thought) => {
        first ??= performance.now() - began;
        pending = { text: pending.text + text, thought: pending.thought + thought };
        frame ||= requestAnimationFrame(draw);
      },
    });
    end({});
  } catch (error) {
    if (error.name === "AbortError") end({ stopped: true });
    else end({ error: error instanceof ConnectionLost ? t("chat.lost") : error.message });
  }
  change({ busy: false, conversation: ids?.conversation ?? conversation });
  abort = null;
  if (!ids?.request) return;
  try {
    const cost = await settled(ids);
    if (cost && talk.value.turns.length) {
      const turns = talk.value.turns.map((turn, index) => (index === talk.value.turns.length - 1 && !turn.live ? { ...turn, row: cost.row } : turn));
      change({ turns, total: cost.total });
    }
  } catch { /* the banner says what is wrong */ }
}

function restart() {
  abort?.abort();
  change({ ...FRESH });
}

/** What an answer cost, from the ledger. */
function Cost({ turn }) {
  const { row } = turn;
  const first = turn.first ?? null;
  return html`
    <p class="cost" data-cost=${row ? row.total_tokens : undefined}>
      ${turn.stopped && html`<span>${t("chat.stopped")}</span>`}
      ${first !== null && html`<span>${t("chat.first", { time: duration(first) })}</span>`}
      ${turn.ms !== undefined && html`<span>${t("chat.whole", { time: duration(turn.ms) })}</span>`}
      ${row && html`
        <span class="strong">${t("request.tokens", { prompt: count(row.prompt_tokens), completion: count(row.completion_tokens), total: count(row.total_tokens) })}</span>
        ${row.usage_source === "estimated" && html`<span>${t("usage.estimated")}</span>`}
        <a href=${link("requests", null, { request: row.request_id })}>${t("chat.ledger")}</a>`}
    </p>`;
}

function Turns({ turns }) {
  const log = useRef(null);
  const length = turns.reduce((sum, turn) => sum + turn.text.length, 0);
  useEffect(() => { log.current.scrollTop = log.current.scrollHeight; }, [turns.length, length, turns.at(-1)?.row]);
  return html`
    <div class="turns" ref=${log} role="log" aria-label=${t("conversation")} tabindex="0">
      ${turns.length === 0 && html`<${Empty} title=${t("chat.empty")}><p>${t("chat.empty.text")}</p><//>`}
      <ol class="messages">
        ${turns.map((turn) => html`
          <${Message} role=${turn.role} text=${turn.text} thought=${turn.thought}
            note=${turn.role === "assistant" && html`
              ${turn.live && !turn.text && html`<p class="muted">${t("chat.waiting")}</p>`}
              ${turn.error && html`<p class="failure" role="alert">${turn.error}</p>`}
              ${!turn.live && html`<${Cost} turn=${turn} />`}`} />`)}
      </ol>
    </div>`;
}

function Choices({ state, all }) {
  const models = all.find(({ provider }) => String(provider.id) === state.provider)?.models ?? [];
  const input = (name) => ({ value: state[name], onInput: (event) => change({ [name]: event.target.value }) });
  return html`
    <div class="choices card">
      <div class="field">
        <label for="chat-provider">${t("column.provider")}</label>
        <${Select} id="chat-provider" value=${state.provider} options=${all.map(({ provider }) => [String(provider.id), provider.name])}
          onChange=${(event) => change({ provider: event.target.value, model: all.find(({ provider }) => String(provider.id) === event.target.value)?.models[0]?.model_name ?? "" })} />
      </div>
      <div class="field">
        <label for="chat-model">${t("column.model")}</label>
        <${Select} id="chat-model" value=${state.model} options=${models.map((model) => [model.model_name, model.model_name])} onChange=${(event) => change({ model: event.target.value })} />
      </div>
      <details>
        <summary>${t("chat.options")}</summary>
        <div class="field">
          <label for="chat-system">${t("chat.system")}</label>
          <textarea id="chat-system" rows="3" ...${input("system")}></textarea>
        </div>
        <div class="columns">
          <div class="field">
            <label for="chat-temperature">${t("chat.temperature")}</label>
            <input id="chat-temperature" type="number" min="0" max="2" step="0.1" placeholder=${t("chat.default")} ...${input("temperature")} />
          </div>
          <div class="field">
            <label for="chat-max">${t("chat.max_tokens")}</label>
            <input id="chat-max" type="number" min="1" step="1" placeholder=${t("chat.default")} ...${input("maxTokens")} />
          </div>
        </div>
      </details>
    </div>`;
}

export function Playground() {
  const { query } = use(route);
  const state = use(talk);
  const { data, error } = useLoad(registered, []);
  const all = (data ?? []).filter(({ provider, models }) => provider.enabled && models.length > 0);
  // What the link names, else what was chosen before, else the first.
  useEffect(() => {
    if (!all.length) return;
    const wanted = query.provider ?? state.provider;
    const found = all.find(({ provider }) => String(provider.id) === wanted) ?? all[0];
    const names = found.models.map((model) => model.model_name);
    const model = [query.model, state.model].find((name) => names.includes(name)) ?? names[0];
    change({ provider: String(found.provider.id), model });
  }, [data, query.provider, query.model]);
  const onKey = (event) => {
    // Enter that ends an input method's composition is no order to send.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    say();
  };
  return html`
    <div class="page-head">
      <h1>${t("page.playground")}</h1>
      <div class="actions">
        ${state.total !== null && html`<span class="muted" data-total=${state.total}>${t("chat.total", { count: count(state.total) })}</span>`}
        <${Button} disabled=${state.turns.length === 0} onClick=${restart}>${t("chat.new")}<//>
      </div>
    </div>
    <${Failure} error=${error} />
    ${!data && !error && html`<${Loading} />`}
    ${data && all.length === 0 && html`
      <${Empty} title=${t("chat.no_model")}><p>${t("models.no_provider")}</p><p><a class="button primary" href=${link("overview")}>${t("guide.title")}</a></p><//>`}
    ${all.length > 0 && html`
      <div class="playground">
        <${Choices} state=${state} all=${all} />
        <div class="talk card">
          <${Turns} turns=${state.turns} />
          <form class="composer" onSubmit=${(event) => { event.preventDefault(); say(); }}>
            <label class="unseen" for="chat-draft">${t("chat.draft")}</label>
            <textarea id="chat-draft" rows="2" placeholder=${t("chat.placeholder")} value=${state.draft} onKeyDown=${onKey}
              onInput=${(event) => change({ draft: event.target.value })}></textarea>
            ${state.busy
              ? html`<${Button} onClick=${() => abort?.abort()}>${t("chat.stop")}<//>`
              : html`<${Button} type="submit" kind="primary" disabled=${!state.draft.trim()}>${t("chat.send")}<//>`}
          </form>
        </div>
      </div>`}`;
}
