// What is in force, and how this page looks.
import { html } from "../vendor/preact-htm.js";
import { forgetToken, get, hasToken } from "../api.js";
import { Select } from "../ui/form.js";
import { bytes, count, duration } from "../ui/format.js";
import { language, speak, t } from "../ui/language.js";
import { useLoad } from "../ui/load.js";
import { Button, Facts, Failure, Loading } from "../ui/parts.js";
import { use } from "../ui/signal.js";
import { paint, theme } from "../ui/theme.js";

const yes = (value) => (value ? t("yes") : t("no"));

function shown(value) {
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length)) return "–";
  if (typeof value === "boolean") return yes(value);
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

function Page() {
  return html`
    <section class="card">
      <h2>${t("settings.page")}</h2>
      <div class="columns">
        <div class="field">
          <label for="language">${t("settings.language")}</label>
          <${Select} id="language" value=${use(language)} options=${[["zh", "中文"], ["en", "English"]]} onChange=${(event) => speak(event.target.value)} />
        </div>
        <div class="field">
          <label for="theme">${t("settings.theme")}</label>
          <${Select} id="theme" value=${use(theme)} options=${["system", "light", "dark"].map((name) => [name, t(`theme.${name}`)])} onChange=${(event) => paint(event.target.value)} />
        </div>
      </div>
      ${hasToken() && html`<p><${Button} onClick=${forgetToken}>${t("settings.forget")}<//></p>`}
    </section>`;
}

export function Settings() {
  const { data, error } = useLoad((signal) => get("settings", signal), []);
  const application = Object.entries(data?.application ?? {});
  return html`
    <div class="page-head"><h1>${t("page.settings")}</h1></div>
    <${Page} />
    <${Failure} error=${error} />
    ${!data && !error && html`<${Loading} />`}
    ${data && html`
      <section class="card">
        <h2>${t("settings.gateway")}</h2>
        <${Facts} of=${[
          [t("settings.version"), data.version],
          [t("settings.kinds"), data.kinds.join(", ")],
          [t("settings.admin_token"), yes(data.admin_token)],
          [t("settings.archive"), yes(data.archive)],
          [t("settings.max_body"), bytes(data.max_body_bytes)],
          [t("settings.retries"), t("settings.retries.value", { most: count(data.retries.most), first: duration(data.retries.first_wait_ms), longest: duration(data.retries.longest_wait_ms) })],
        ]} />
      </section>
      ${application.length > 0 && html`
        <section class="card">
          <h2>${t("settings.server")}</h2>
          <p class="muted">${t("settings.server.text")}</p>
          <${Facts} of=${application.map(([name, value]) => [html`<span class="mono">${name}</span>`, html`<span class="mono">${shown(value)}</span>`])} />
        </section>`}`}`;
}
