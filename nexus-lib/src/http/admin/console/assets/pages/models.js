// Models, by provider.
import { html, useState } from "../vendor/preact-htm.js";
import { get, remove, tagged } from "../api.js";
import { count } from "../ui/format.js";
import { language, t } from "../ui/language.js";
import { useLoad } from "../ui/load.js";
import { Button, Cell, Confirm, Empty, Failure, Loading, Table } from "../ui/parts.js";
import { link, route } from "../ui/route.js";
import { use } from "../ui/signal.js";
import { Health } from "./providers.js";
import { ModelForm, ModelPicker } from "./model_forms.js";

/** Every provider with its models: one request, however many there are. */
export async function registered(signal) {
  const { providers } = await get("providers?with=models", signal);
  return providers.map(({ models, ...provider }) => ({ provider, models }));
}

function ModelTable({ provider, models, onEdit, onDelete }) {
  const columns = [t("model.model_name"), t("model.upstream_model"), t("provider.description"), t("actions")];
  return html`
    <${Table} label=${t("models.of", { name: provider.name })} even=${true} columns=${columns.map((title, index) => ({ title, figure: index === 3 }))}>
      ${models.map((model) => html`
        <tr key=${model.id}>
          <${Cell} label=${columns[0]} kind="main"><span class="mono">${model.model_name}</span><//>
          <${Cell} label=${columns[1]} kind=${model.upstream_model ? "" : "none"}><span class="mono">${model.upstream_model ?? "–"}</span><//>
          <${Cell} label=${columns[2]} kind=${model.description ? "wide" : "none"}>${model.description || "–"}<//>
          <${Cell} label=${columns[3]} figure=${true} kind="wide bare">
            <div class="actions">
              <a class="button small" href=${link("playground", null, { provider: provider.id, model: model.model_name })}>${t("model.chat")}</a>
              <${Button} kind="small" onClick=${() => onEdit(model)}>${t("edit")}<//>
              <${Button} kind="small danger quiet" onClick=${() => onDelete(model)}>${t("delete")}<//>
            </div>
          <//>
        </tr>`)}
    <//>`;
}

export function Models() {
  use(language);
  const { id } = use(route);
  const { data, error, reload } = useLoad(registered, []);
  const [open, setOpen] = useState(null);
  const [failed, setFailed] = useState(null);
  const close = () => setOpen(null);
  /** Reads the model anew first: what is changed is what is there now. */
  const openTagged = (model, what) => {
    setFailed(null);
    tagged(`provider_models/${model.id}`).then((fresh) => setOpen(what(fresh)), setFailed);
  };
  const done = () => { close(); reload(); };
  const shown = data?.filter(({ provider }) => id === null || String(provider.id) === id);
  return html`
    <div class="page-head">
      <h1>${t("page.models")}</h1>
      ${id !== null && html`<a class="button" href=${link("models")}>${t("models.all")}</a>`}
    </div>
    <${Failure} error=${error ?? failed} />
    ${!data && !error && html`<${Loading} />`}
    ${shown?.length === 0 && html`
      <${Empty} title=${t("providers.none")}><p>${t("models.no_provider")}</p><p><a class="button primary" href=${link("providers")}>${t("page.providers")}</a></p><//>`}
    ${shown?.map(({ provider, models }) => html`
      <section class="card" key=${provider.id} aria-label=${provider.name}>
        <div class="card-head">
          <h2>${provider.name}</h2>
          <span class="muted">${t("models.count", { count: count(models.length) })}</span>
          <${Health} provider=${provider} />
          <div class="actions push">
            <${Button} onClick=${() => setOpen({ pick: provider, present: new Set(models.map((model) => model.model_name)) })}>${t("model.pick")}<//>
            <${Button} kind="primary" onClick=${() => setOpen({ form: provider })}>${t("model.add")}<//>
          </div>
        </div>
        ${models.length === 0
          ? html`<p class="muted">${t("models.none")}</p>`
          : html`<${ModelTable} provider=${provider} models=${models}
              onEdit=${(model) => openTagged(model, (fresh) => ({ form: provider, model: fresh }))} onDelete=${(model) => openTagged(model, (fresh) => ({ remove: fresh }))} />`}
      </section>`)}
    ${open?.form && html`<${ModelForm} provider=${open.form} model=${open.model} onSaved=${done} onClose=${close} />`}
    ${open?.pick && html`
      <${ModelPicker} provider=${open.pick} present=${open.present} onSaved=${done} onClose=${() => { close(); reload(); }}
        onByHand=${() => setOpen({ form: open.pick })} />`}
    ${open?.remove && html`
      <${Confirm} title=${t("model.delete.title", { name: open.remove.model_name })} text=${t("model.delete.text")} action=${t("delete")}
        onConfirm=${async () => { await remove(`provider_models/${open.remove.id}`, open.remove.etag); reload(); }} onClose=${close} />`}`;
}
