// Providers: how they do, and everything that is done to them.
import { html, useState } from "../vendor/preact-htm.js";
import { get, post, put, remove, tagged } from "../api.js";
import { clock, count, duration } from "../ui/format.js";
import { t } from "../ui/language.js";
import { useLoad } from "../ui/load.js";
import { Badge, Button, Confirm, Empty, Facts, Failure, Loading } from "../ui/parts.js";
import { link } from "../ui/route.js";
import { ProviderForm, unchanged } from "./provider_form.js";

const EVERY_MS = 5000;

export function Health({ provider }) {
  const { health } = provider;
  if (!provider.enabled) return html`<${Badge}>${t("provider.disabled")}<//>`;
  if (health?.state === "due") return html`<${Badge} tone="warn">${t("health.due")}<//>`;
  if (health?.state === "resting") return html`<${Badge} tone="bad">${t("health.resting", { until: clock(health.until) })}<//>`;
  if (health?.recent_errors > 0) return html`<${Badge} tone="warn">${t("health.errors", { count: count(health.recent_errors) })}<//>`;
  return html`<${Badge} tone="good">${t("health.ok")}<//>`;
}

/** What came of a test: the answer, or the exact error. */
function Outcome({ outcome }) {
  if (outcome.ok) {
    const tokens = outcome.usage?.total_tokens;
    return html`
      <div class="outcome good" role="status">
        <p><strong>${t("test.ok")}</strong> ${outcome.model} · ${duration(outcome.latency_ms)}${tokens !== undefined && ` · ${t("tokens.count", { count: count(tokens) })}`}</p>
        <pre>${outcome.text}</pre>
      </div>`;
  }
  return html`
    <div class="outcome bad" role="status">
      <p><strong>${t("test.failed")}</strong> ${[outcome.model, outcome.status && `HTTP ${outcome.status}`, duration(outcome.latency_ms)].filter(Boolean).join(" · ")}</p>
      <pre>${typeof outcome.error === "string" ? outcome.error : JSON.stringify(outcome.error, null, 2)}</pre>
    </div>`;
}

function Provider({ provider, onEdit, onDelete, reload }) {
  const [state, set] = useState({ busy: null, error: null, outcome: null });
  const act = (name, work) => async () => {
    set((before) => ({ busy: name, error: null, outcome: name === "test" ? null : before.outcome }));
    try {
      const outcome = await work();
      set((before) => ({ busy: null, error: null, outcome: outcome ?? before.outcome }));
    } catch (error) {
      set((before) => ({ ...before, busy: null, error }));
    }
  };
  const test = act("test", () => post(`providers/${provider.id}/test`, {}));
  const turn = act("turn", async () => {
    const fresh = await tagged(`providers/${provider.id}`);
    await put(`providers/${provider.id}`, unchanged(fresh, { enabled: !provider.enabled }), fresh.etag);
    reload();
  });
  // Read anew first: what is changed is what is there now.
  const edit = act("edit", async () => onEdit(await tagged(`providers/${provider.id}`)));
  const drop = act("delete", async () => onDelete(await tagged(`providers/${provider.id}`)));
  return html`
    <li class="card">
      <div class="card-head">
        <h2>${provider.name}</h2>
        <${Badge}>${provider.kind}<//>
        <${Health} provider=${provider} />
      </div>
      ${provider.description && html`<p class="muted">${provider.description}</p>`}
      <${Facts} of=${[
        [t("provider.server_url"), html`<span class="mono">${provider.server_url}</span>`],
        [t("provider.personalized_key"), html`<span class="mono">${provider.personalized_key}</span>`],
        [t("provider.server_key"), html`<span class="mono">${provider.server_key || "–"}</span>`],
        [t("provider.priority_weight"), `${count(provider.priority)} · ${count(provider.weight)}`],
        [t("health.latency"), duration(provider.health?.latency_ms)],
        [t("provider.open"), count(provider.open_requests ?? 0)],
      ]} />
      <${Failure} error=${state.error} />
      ${state.outcome && html`<${Outcome} outcome=${state.outcome} />`}
      <div class="actions">
        <${Button} busy=${state.busy === "test"} onClick=${test}>${state.busy === "test" ? t("test.busy") : t("test.do")}<//>
        <a class="button" href=${link("models", provider.id)}>${t("page.models")}</a>
        <${Button} onClick=${edit}>${t("edit")}<//>
        <${Button} busy=${state.busy === "turn"} onClick=${turn}>${provider.enabled ? t("provider.disable") : t("provider.enable")}<//>
        <${Button} kind="danger quiet" onClick=${drop}>${t("delete")}<//>
      </div>
    </li>`;
}

export function Providers() {
  const { data, error, reload } = useLoad((signal) => get("providers", signal), [], EVERY_MS);
  const [open, setOpen] = useState(null);
  const close = () => setOpen(null);
  return html`
    <div class="page-head">
      <h1>${t("page.providers")}</h1>
      <${Button} kind="primary" onClick=${() => setOpen({ form: true })}>${t("provider.add")}<//>
    </div>
    <${Failure} error=${error} />
    ${!data && !error && html`<${Loading} />`}
    ${data?.providers.length === 0 && html`<${Empty} title=${t("providers.none")}><p>${t("providers.none.text")}</p><//>`}
    <ul class="cards">
      ${data?.providers.map((provider) => html`
        <${Provider} key=${provider.id} provider=${provider} reload=${reload}
          onEdit=${(fresh) => setOpen({ form: true, provider: fresh })} onDelete=${(fresh) => setOpen({ remove: fresh })} />`)}
    </ul>
    ${open?.form && html`<${ProviderForm} provider=${open.provider} onClose=${close} onSaved=${() => { close(); reload(); }} />`}
    ${open?.remove && html`
      <${Confirm} title=${t("provider.delete.title", { name: open.remove.name })} text=${t("provider.delete.text")} action=${t("delete")}
        onConfirm=${async () => { await remove(`providers/${open.remove.id}`, open.remove.etag); reload(); }} onClose=${close} />`}`;
}
