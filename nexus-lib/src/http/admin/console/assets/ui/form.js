// Forms: labels tied to inputs, and the server's own words beside the field that they concern.
import { html, useState } from "../vendor/preact-htm.js";
import { Failure, useId } from "./parts.js";
import { t } from "./language.js";

/**
 * A form's values, what the server said against them, and how to send them. `errors` has a message by the
 * name of a field; what concerns none of `fields` is `error`.
 */
export function useForm(first, fields) {
  const [values, setValues] = useState(first);
  const [state, setState] = useState({ busy: false, error: null, errors: {} });
  const set = (name, value) => {
    setValues((before) => ({ ...before, [name]: value }));
    setState((before) => ({ ...before, errors: { ...before.errors, [name]: undefined } }));
  };
  const submit = async (save) => {
    setState({ busy: true, error: null, errors: {} });
    try {
      await save(values);
      setState({ busy: false, error: null, errors: {} });
    } catch (error) {
      // `timeouts.idle_ms` concerns the field `idle_ms`.
      const name = error.param?.split(".").pop();
      const isField = fields.includes(name);
      setState({ busy: false, error: isField ? null : error, errors: isField ? { [name]: error.message } : {} });
    }
  };
  return { values, set, submit, ...state };
}

/** One field of `form`: an input, or what `children` make of its attributes. */
export function Field({ form, name, label, hint, optional = false, action, children, ...rest }) {
  const id = useId("field");
  const error = form.errors[name];
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const attributes = {
    id,
    name,
    "aria-describedby": described || undefined,
    "aria-invalid": error ? "true" : undefined,
    value: form.values[name],
    onInput: (event) => form.set(name, event.target.value),
  };
  return html`
    <div class=${`field ${error ? "wrong" : ""}`}>
      <label for=${id}>${label}${optional && html` <span class="optional">${t("optional")}</span>`}</label>
      <div class="input-row">
        ${children ? children(attributes) : html`<input type="text" autocomplete="off" spellcheck=${false} ...${attributes} ...${rest} />`}
        ${action}
      </div>
      ${error && html`<p class="field-error" id=${`${id}-error`} role="alert">${error}</p>`}
      ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    </div>`;
}

export const Select = ({ options, ...attributes }) => html`
  <select ...${attributes}>
    ${options.map(([value, text]) => html`<option value=${value} selected=${String(value) === String(attributes.value)}>${text}</option>`)}
  </select>`;

/** A form whose submission is ours. */
export const Form = ({ form, onSave, children, class: kind = "" }) => html`
  <form class=${kind} novalidate onSubmit=${(event) => { event.preventDefault(); if (!form.busy) form.submit(onSave); }}>
    ${children}
    <${Failure} error=${form.error} />
  </form>`;
