// Where the reader is: the part of the address behind `#/`.
import { signal } from "./signal.js";

function read() {
  const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [page = "", ...rest] = path.split("/");
  let id = null;
  try { id = rest.length ? decodeURIComponent(rest.join("/")) : null; } catch { /* no such page */ }
  return { page: page || "overview", id, query: Object.fromEntries(new URLSearchParams(search)) };
}

export const route = signal(read());
addEventListener("hashchange", () => { route.value = read(); });

export function link(page, id = null, parameters = {}) {
  const search = new URLSearchParams(parameters).toString();
  return `#/${page}${id === null ? "" : `/${encodeURIComponent(id)}`}${search ? `?${search}` : ""}`;
}

/** Each client key has conversation names of its own: whose name it is. */
export const scoped = (row) => (row.conversation_scope ? { scope: row.conversation_scope } : {});

export const go = (...where) => { location.hash = link(...where); };
