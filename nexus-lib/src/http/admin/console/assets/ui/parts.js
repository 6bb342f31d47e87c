// The small parts that pages are made of.
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { ConnectionLost } from "../api.js";
import { t } from "./language.js";

let ids = 0;
/** An id of this component's own. */
export function useId(prefix = "id") {
  const ref = useRef(null);
  ref.current ??= `${prefix}-${(ids += 1)}`;
  return ref.current;
}

export const Button = ({ kind = "", busy = false, children, ...rest }) => html`
  <button type="button" ...${rest} class=${`button ${kind}`} aria-busy=${busy} disabled=${busy || rest.disabled}>
    ${children}
  </button>`;

export const Badge = ({ tone = "plain", children, ...rest }) => html`<span class=${`badge ${tone}`} ...${rest}>${children}</span>`;

/** What went wrong. That the connection is lost is told once, above the page. */
export function Failure({ error }) {
  if (!error || error instanceof ConnectionLost || error.name === "AbortError") return null;
  // Somebody else, or another tab, was quicker.
  const text = error.status === 412 ? t("changed.meanwhile") : error.message;
  return html`<p class="failure" role="alert">${text}</p>`;
}

/** A modal dialog: the browser keeps the focus inside, and closes it on Escape. */
export function Dialog({ title, wide = false, onClose, children }) {
  const ref = useRef(null);
  const id = useId("dialog");
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog.showModal();
    return () => {
      if (dialog.open) dialog.close();
      before?.focus?.();
    };
  }, []);
  const close = (event) => { event.preventDefault(); onClose?.(); };
  return html`
    <dialog ref=${ref} class=${wide ? "wide" : ""} aria-labelledby=${id} onCancel=${close}>
      <header>
        <h2 id=${id}>${title}</h2>
        ${onClose && html`<button type="button" class="icon" aria-label=${t("close")} onClick=${onClose}>✕</button>`}
      </header>
      ${children}
    </dialog>`;
}

/** Asks before something is done that cannot be undone. */
export function Confirm({ title, text, action, onConfirm, onClose }) {
  const [state, set] = useState({ busy: false, error: null });
  const confirm = async () => {
    set({ busy: true, error: null });
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      set({ busy: false, error });
    }
  };
  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <p class="say">${text}</p>
      <${Failure} error=${state.error} />
      <footer>
        <${Button} onClick=${onClose}>${t("cancel")}<//>
        <${Button} kind="danger" busy=${state.busy} onClick=${confirm}>${action}<//>
      </footer>
    <//>`;
}

export const Empty = ({ title, children }) => html`
  <div class="empty"><p class="empty-title">${title}</p>${children}</div>`;

export const Loading = () => html`<p class="loading" role="status">${t("loading")}</p>`;

/** A table that becomes a list of cards where the page is narrow. */
export const Table = ({ label, columns, even = false, children }) => html`
  <div class="table-frame">
    <table aria-label=${label} class=${even ? "even" : ""}>
      <thead><tr>${columns.map((column) => html`<th scope="col" class=${column.figure ? "figure" : ""}>${column.title}</th>`)}</tr></thead>
      <tbody>${children}</tbody>
    </table>
  </div>`;

export const Cell = ({ label, figure = false, kind = "", children }) => html`
  <td data-label=${label} class=${`${figure ? "figure" : ""} ${kind}`}>${children}</td>`;

/** Names with values. */
export const Facts = ({ of }) => html`
  <dl class="facts">
    ${of.filter(Boolean).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
