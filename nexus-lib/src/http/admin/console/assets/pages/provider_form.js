// Adding and changing a provider.
import { html, useState } from "../vendor/preact-htm.js";
import { get, post, put } from "../api.js";
import { Field, Form, Select, useForm } from "../ui/form.js";
import { t } from "../ui/language.js";
import { useLoad } from "../ui/load.js";
import { Button, Dialog } from "../ui/parts.js";

// Base URLs as these services document them.
const PRESETS = [
  ["OpenAI", "https://api.openai.com/v1"],
  ["Anthropic", "https://api.anthropic.com", "anthropic"],
  ["Google Gemini", "https://generativelanguage.googleapis.com", "gemini"],
  ["Azure OpenAI", "https://NAME.openai.azure.com", "azure"],
  ["xAI", "https://api.x.ai/v1"],
  ["DeepSeek", "https://api.deepseek.com"],
  ["Moonshot 月之暗面", "https://api.moonshot.cn/v1"],
  ["智谱 GLM", "https://open.bigmodel.cn/api/paas/v4"],
  ["通义千问", "https://dashscope.aliyuncs.com/compatible-mode/v1"],
  ["OpenRouter", "https://openrouter.ai/api/v1"],
  ["Groq", "https://api.groq.com/openai/v1"],
  ["Mistral", "https://api.mistral.ai/v1"],
  ["Ollama", "http://127.0.0.1:11434"],
];

const TEXTS = ["name", "kind", "server_url", "server_key", "personalized_key", "description", "proxy_url"];
const FIGURES = ["priority", "weight", "max_concurrency"];
const TIMERS = ["connect_ms", "first_event_ms", "idle_ms"];
/** What a provider may take as it comes, as it is told to the server, separated by commas. */
const PROTOCOLS = ["chat", "messages", "responses", "chat,responses", "chat,messages", "chat,messages,responses"];
const FIELDS = [...TEXTS, "protocols", ...FIGURES, ...TIMERS];
/** Those that most providers do without: shown when asked for, or when something is wrong with them. */
const HIDDEN = ["kind", "protocols", "description", "proxy_url", ...FIGURES, ...TIMERS];

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return `nx-${btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_")}`;
}

function valuesOf(provider) {
  const text = (value) => (value === null || value === undefined ? "" : String(value));
  return {
    name: text(provider?.name),
    kind: text(provider?.kind),
    server_url: text(provider?.server_url),
    server_key: "",
    personalized_key: provider ? "" : newKey(),
    description: text(provider?.description),
    proxy_url: text(provider?.proxy_url),
    protocols: text(provider?.protocols?.join()),
    priority: text(provider?.priority ?? 0),
    weight: text(provider?.weight ?? 1),
    max_concurrency: text(provider?.max_concurrency),
    connect_ms: text(provider?.timeouts?.connect_ms),
    first_event_ms: text(provider?.timeouts?.first_event_ms),
    idle_ms: text(provider?.timeouts?.idle_ms),
  };
}

/** A figure as it was typed: what is none goes to the server as it is, which says what is wrong with it. */
function figure(text) {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  return /^-?\d{1,15}$/.test(trimmed) ? Number(trimmed) : trimmed;
}

function bodyOf(values, provider) {
  const body = { ...provider, name: values.name, server_url: values.server_url, description: values.description };
  body.kind = values.kind || null;
  body.proxy_url = values.proxy_url.trim() || null;
  body.protocols = values.protocols ? values.protocols.split(",") : null;
  for (const name of FIGURES) body[name] = figure(values[name]);
  body.timeouts = Object.fromEntries(TIMERS.map((name) => [name, figure(values[name])]));
  // What is shown of present keys are masks: absent ones keep their values.
  delete body.server_key;
  delete body.personalized_key;
  if (!provider || values.server_key) body.server_key = values.server_key;
  if (!provider || values.personalized_key) body.personalized_key = values.personalized_key;
  return body;
}

/** The body that changes nothing of `provider` but `change`. */
export const unchanged = (provider, change) => ({ ...bodyOf(valuesOf(provider), provider), ...change });

export function ProviderForm({ provider, onSaved, onClose }) {
  const form = useForm(valuesOf(provider), FIELDS);
  const settings = useLoad((signal) => get("settings", signal), []);
  const [showsMore, showMore] = useState(false);
  const kinds = settings.data?.kinds ?? [];
  const presets = PRESETS.filter(([, , kind]) => !kind || kinds.includes(kind));
  const save = async (values) => {
    const body = bodyOf(values, provider);
    onSaved(provider ? await put(`providers/${provider.id}`, body, provider.etag) : await post("providers", body));
  };
  const choose = (event) => {
    const preset = PRESETS[event.target.value];
    if (!preset) return;
    form.set("server_url", preset[1]);
    form.set("kind", "");
    if (!form.values.name || PRESETS.some(([name]) => name === form.values.name)) form.set("name", preset[0]);
  };
  const field = (name, rest = {}) => html`
    <${Field} form=${form} name=${name} label=${t(`provider.${name}`)} ...${rest} />`;
  return html`
    <${Dialog} title=${provider ? t("provider.edit") : t("provider.add")} onClose=${onClose}>
      <${Form} form=${form} onSave=${save}>
        ${!provider && html`
          <div class="field">
            <label for="preset">${t("provider.preset")}</label>
            <select id="preset" onChange=${choose}>
              <option value="">${t("provider.preset.none")}</option>
              ${presets.map((preset) => html`<option value=${PRESETS.indexOf(preset)}>${preset[0]}</option>`)}
            </select>
          </div>`}
        ${field("name")}
        ${field("server_url", { hint: t("provider.server_url.hint"), inputmode: "url", placeholder: "https://api.openai.com/v1" })}
        ${field("server_key", { type: "password", autocomplete: "new-password", hint: provider ? t("provider.key.keep", { mask: provider.server_key || "–" }) : t("provider.server_key.hint") })}
        ${field("personalized_key", {
          hint: provider ? t("provider.key.keep", { mask: provider.personalized_key }) : t("provider.personalized_key.hint"),
          action: html`<${Button} onClick=${() => form.set("personalized_key", newKey())}>${t("provider.generate")}<//>`,
        })}
        <details open=${showsMore || HIDDEN.some((name) => form.errors[name])} onToggle=${(event) => showMore(event.currentTarget.open)}>
          <summary>${t("provider.more")}</summary>
          <${Field} form=${form} name="kind" label=${t("provider.kind")} hint=${t("provider.kind.hint")}>
            ${(attributes) => html`<${Select} ...${attributes} options=${[["", t("provider.kind.auto")], ...kinds.map((kind) => [kind, kind])]} />`}
          <//>
          <${Field} form=${form} name="protocols" label=${t("provider.protocols")} hint=${t("provider.protocols.hint")}>
            ${(attributes) => html`<${Select} ...${attributes} options=${[["", t("provider.protocols.auto")], ...PROTOCOLS.map((words) => [words, words.replaceAll(",", ", ")])]} />`}
          <//>
          ${field("description", { optional: true })}
          ${field("proxy_url", { optional: true, placeholder: "socks5h://127.0.0.1:1080" })}
          <div class="columns">
            ${field("priority", { inputmode: "numeric", hint: t("provider.priority.hint") })}
            ${field("weight", { inputmode: "numeric", hint: t("provider.weight.hint") })}
          </div>
          ${field("max_concurrency", { inputmode: "numeric", optional: true, hint: t("provider.max_concurrency.hint") })}
          <div class="columns">
            ${TIMERS.map((name) => field(name, { inputmode: "numeric", optional: true }))}
          </div>
        </details>
        <footer>
          <${Button} onClick=${onClose}>${t("cancel")}<//>
          <${Button} type="submit" kind="primary" busy=${form.busy}>${provider ? t("save") : t("provider.add")}<//>
        </footer>
      <//>
    <//>`;
}
