import { html, useRef, useState } from "../vendor/preact-htm.js";
import { unlock } from "../api.js";
import { t } from "./language.js";
import { Button, Dialog, useId } from "./parts.js";

/** Asks for the admin token. There is no way around it: it cannot be closed. */
export function TokenDialog({ wrong }) {
  const [given, give] = useState("");
  const id = useId("token");
  const input = useRef(null);
  const submit = (event) => {
    event.preventDefault();
    const token = given.trim();
    // Nothing else can be in a header, and no other token is accepted at the start.
    if (token && /^[\x21-\x7e]+$/.test(token)) unlock(token);
    else input.current.focus();
  };
  return html`
    <${Dialog} title=${t("token.title")}>
      <form onSubmit=${submit} novalidate>
        <p class="say">${t("token.text")}</p>
        <div class=${`field ${wrong ? "wrong" : ""}`}>
          <label for=${id}>${t("token.label")}</label>
          <input id=${id} ref=${input} type="password" autocomplete="current-password" autofocus value=${given}
            aria-invalid=${wrong ? "true" : undefined} aria-describedby=${wrong ? `${id}-error` : undefined}
            onInput=${(event) => give(event.target.value)} />
          ${wrong && html`<p class="field-error" id=${`${id}-error`} role="alert">${t("token.wrong")}</p>`}
        </div>
        <footer><${Button} type="submit" kind="primary">${t("token.enter")}<//></footer>
      </form>
    <//>`;
}
