// Messages of a chat, as text.
import { html } from "../vendor/preact-htm.js";
import { t } from "../ui/language.js";

const ROLES = ["system", "developer", "user", "assistant", "tool"];

/** The text of a message's content, which is a text or a list of parts. */
function textOf(content) {
  if (typeof content === "string") return content;
  if (content === null || content === undefined) return "";
  if (!Array.isArray(content)) return JSON.stringify(content, null, 2);
  return content.map((part) => part?.text ?? (typeof part === "string" ? part : `[${part?.type ?? "?"}]`)).join("\n");
}

export function Message({ role, text, thought, note, children }) {
  return html`
    <li class=${`message ${ROLES.includes(role) ? role : "other"}`}>
      <p class="role">${ROLES.includes(role) ? t(`role.${role}`) : role}</p>
      ${thought && html`<details class="thought"><summary>${t("thought")}</summary><div class="text">${thought}</div></details>`}
      ${(text || children) && html`<div class="text">${text}${children}</div>`}
      ${note}
    </li>`;
}

const Calls = ({ calls }) => calls?.length > 0 && html`<pre>${JSON.stringify(calls, null, 2)}</pre>`;

/** A line of the archive: what was asked, and what was answered. */
export function Transcript({ line }) {
  const all = [...(line.messages ?? []), ...(line.reply ?? []).map((reply) => ({ role: "assistant", ...reply }))];
  return html`
    <ol class="messages">
      ${all.map((message) => html`
        <${Message} role=${String(message.role ?? "")} text=${textOf(message.content)} thought=${textOf(message.reasoning_content ?? message.reasoning)}
          note=${html`<${Calls} calls=${message.tool_calls} />`} />`)}
    </ol>`;
}
