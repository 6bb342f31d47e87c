// Adding models: by hand, or picked from the upstream's own list.
import { html, useState } from "../vendor/preact-htm.js";
import { get, post, put } from "../api.js";
import { count } from "../ui/format.js";
import { Field, Form, useForm } from "../ui/form.js";
import { t } from "../ui/language.js";
import { useLoad } from "../ui/load.js";
import { Button, Dialog, Failure, Loading } from "../ui/parts.js";

/** How many of a long list are drawn: the rest is found by filtering. */
const MOST = 200;

export function ModelForm({ provider, model, onSaved, onClose }) {
  const form = useForm(
    { model_name: model?.model_name ?? "", upstream_model: model?.upstream_model ?? "", description: model?.description ?? "" },
    ["model_name", "upstream_model", "description"],
  );
  const save = async (values) => {
    const body = { ...values, provider_id: provider.id, upstream_model: values.upstream_model.trim() || null };
    onSaved(model ? await put(`provider_models/${model.id}`, body, model.etag) : await post("provider_models", body));
  };
  return html`
    <${Dialog} title=${model ? t("model.edit") : t("model.add.to", { name: provider.name })} onClose=${onClose}>
      <${Form} form=${form} onSave=${save}>
        <${Field} form=${form} name="model_name" label=${t("model.model_name")} hint=${t("model.model_name.hint")} placeholder="gpt-4o" />
        <${Field} form=${form} name="upstream_model" label=${t("model.upstream_model")} hint=${t("model.upstream_model.hint")} optional=${true} />
        <${Field} form=${form} name="description" label=${t("provider.description")} optional=${true} />
        <footer>
          <${Button} onClick=${onClose}>${t("cancel")}<//>
          <${Button} type="submit" kind="primary" busy=${form.busy}>${model ? t("save") : t("model.add")}<//>
        </footer>
      <//>
    <//>`;
}

/** Picks from what the upstream says it has. `present` are the names that are registered already. */
export function ModelPicker({ provider, present, onSaved, onClose, onByHand }) {
  const list = useLoad((signal) => get(`providers/${provider.id}/upstream_models`, signal), [provider.id]);
  const [filter, setFilter] = useState("");
  const [picked, setPicked] = useState(() => new Set());
  const [state, set] = useState({ busy: false, error: null });
  const words = filter.trim().toLowerCase();
  const found = (list.data?.models ?? []).filter((name) => name.toLowerCase().includes(words));
  const pick = (name) => setPicked((before) => {
    const after = new Set(before);
    if (!after.delete(name)) after.add(name);
    return after;
  });
  const save = async (event) => {
    event.preventDefault();
    set({ busy: true, error: null });
    const added = new Set();
    try {
      for (const name of picked) {
        await post("provider_models", { provider_id: provider.id, model_name: name });
        added.add(name);
      }
      onSaved([...added]);
    } catch (error) {
      setPicked(new Set([...picked].filter((name) => !added.has(name))));
      set({ busy: false, error });
    }
  };
  return html`
    <${Dialog} title=${t("model.pick.from", { name: provider.name })} onClose=${onClose}>
      <form onSubmit=${save}>
        ${!list.data && !list.error && html`<${Loading} />`}
        ${list.error && html`
          <${Failure} error=${list.error} />
          <p><${Button} onClick=${onByHand}>${t("model.by_hand")}<//></p>`}
        ${list.data && html`
          <div class="field">
            <label for="model-filter">${t("model.filter")}</label>
            <input id="model-filter" type="search" autocomplete="off" value=${filter} onInput=${(event) => setFilter(event.target.value)} />
          </div>
          <ul class="picks" aria-label=${t("model.upstream.list")} tabindex="0">
            ${found.slice(0, MOST).map((name) => html`
              <li key=${name}><label>
                <input type="checkbox" checked=${present.has(name) || picked.has(name)} disabled=${present.has(name)} onChange=${() => pick(name)} />
                <span class="mono">${name}</span>${present.has(name) && html` <span class="muted">${t("model.present")}</span>`}
              </label></li>`)}
          </ul>
          ${found.length > MOST && html`<p class="hint">${t("model.more", { count: count(found.length - MOST) })}</p>`}
          ${found.length === 0 && html`<p class="hint">${t("model.none.found")}</p>`}`}
        <${Failure} error=${state.error} />
        <footer>
          <${Button} onClick=${onClose}>${t("cancel")}<//>
          <${Button} type="submit" kind="primary" busy=${state.busy} disabled=${picked.size === 0}>${t("model.add.some", { count: count(picked.size) })}<//>
        </footer>
      </form>
    <//>`;
}
