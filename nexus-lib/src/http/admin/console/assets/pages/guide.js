// Leads a newcomer from an empty gateway to the first chat.
import { html, useState } from "../vendor/preact-htm.js";
import { t } from "../ui/language.js";
import { Button } from "../ui/parts.js";
import { link } from "../ui/route.js";
import { ModelForm, ModelPicker } from "./model_forms.js";
import { ProviderForm } from "./provider_form.js";

const Step = ({ number, title, text, state, children }) => html`
  <li class=${`step ${state}`} aria-current=${state === "now" ? "step" : undefined}>
    <span class="step-number" aria-hidden="true">${state === "done" ? "✓" : number}</span>
    <div><h3>${title}</h3><p class="muted">${text}</p>${state === "now" && html`<div class="actions">${children}</div>`}</div>
  </li>`;

/** `all` are the providers with their models; `used` says whether anything was asked yet. */
export function Guide({ all, used, reload }) {
  const [open, setOpen] = useState(null);
  const close = () => setOpen(null);
  const done = () => { close(); reload(); };
  const ready = all.find(({ provider, models }) => provider.enabled && models.length > 0);
  const target = all.at(-1)?.provider;
  if (used && ready) return null;
  const at = all.length === 0 ? 1 : ready ? 3 : 2;
  const state = (number) => (number < at ? "done" : number === at ? "now" : "later");
  return html`
    <section class="card guide" aria-label=${t("guide.title")}>
      <h2>${t("guide.title")}</h2>
      <ol>
        <${Step} number=${1} state=${state(1)} title=${t("guide.provider")} text=${t("guide.provider.text")}>
          <${Button} kind="primary" onClick=${() => setOpen("provider")}>${t("provider.add")}<//>
        <//>
        <${Step} number=${2} state=${state(2)} title=${t("guide.model")} text=${t("guide.model.text")}>
          <${Button} kind="primary" onClick=${() => setOpen("pick")}>${t("model.pick")}<//>
          <${Button} onClick=${() => setOpen("model")}>${t("model.by_hand")}<//>
        <//>
        <${Step} number=${3} state=${state(3)} title=${t("guide.chat")} text=${t("guide.chat.text")}>
          ${ready && html`<a class="button primary" href=${link("playground", null, { provider: ready.provider.id, model: ready.models[0].model_name })}>${t("guide.chat.do")}</a>`}
        <//>
      </ol>
      ${open === "provider" && html`<${ProviderForm} onClose=${close} onSaved=${done} />`}
      ${open === "pick" && html`<${ModelPicker} provider=${target} present=${new Set()} onClose=${() => { close(); reload(); }} onSaved=${done} onByHand=${() => setOpen("model")} />`}
      ${open === "model" && html`<${ModelForm} provider=${target} onClose=${close} onSaved=${done} />`}
    </section>`;
}
