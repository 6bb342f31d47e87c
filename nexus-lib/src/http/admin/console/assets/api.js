// The admin API: requests, their errors, the token, and whether the server can be reached.
import { memory, signal } from "./ui/signal.js";

const TOKEN = "nexus.admin-token";
const AGAIN_MS = 1500;

/** An answer that is an error, in the words of the server. */
export class ApiError extends Error {
  constructor(status, error) {
    super(error?.message ?? (typeof error === "string" ? error : `HTTP ${status}`));
    this.status = status;
    this.code = error?.code ?? null;
    this.param = error?.param ?? null;
    this.told = error ?? null;
  }
}

/** No answer at all. */
export class ConnectionLost extends Error {}

/** Whether the last request reached the server. */
export const online = signal(true);
/** Rises when the connection is back or a token was given: pages load again. */
export const epoch = signal(0);
/** What the dialog for the token is told; null while none is needed. */
export const locked = signal(null);

let token = memory.get(TOKEN, "sessionStorage");
let unlocked = null;

export const hasToken = () => token !== null;

export function unlock(given) {
  token = given;
  memory.set(TOKEN, given, "sessionStorage");
  locked.value = null;
  unlocked?.resolve();
  unlocked = null;
}

export function forgetToken() {
  token = null;
  memory.set(TOKEN, null, "sessionStorage");
  epoch.value += 1;
}

/** Resolves when a token was given after `used` was refused. */
function askForToken(used) {
  if (token !== used) return Promise.resolve(); // given meanwhile
  if (!unlocked) {
    unlocked = {};
    unlocked.promise = new Promise((resolve) => { unlocked.resolve = resolve; });
  }
  locked.value = { wrong: used !== null };
  return unlocked.promise;
}

function lost() {
  if (!online.value) return;
  online.value = false;
  const look = async () => {
    try {
      const answer = await fetch("healthz", { cache: "no-store" });
      if (!answer.ok) throw new Error("not yet");
      online.value = true;
      epoch.value += 1;
    } catch {
      setTimeout(look, AGAIN_MS);
    }
  };
  setTimeout(look, AGAIN_MS);
}

/** The response to a request, whatever its status but for a missing token. */
export async function send(method, path, { body, signal, etag, headers = {} } = {}) {
  for (;;) {
    const used = token;
    const sent = { ...headers };
    if (body !== undefined) sent["content-type"] = "application/json";
    if (etag) sent["if-match"] = etag;
    if (used !== null) sent.authorization = `Bearer ${used}`;
    let response;
    try {
      const text = body === undefined ? undefined : JSON.stringify(body);
      response = await fetch(path, { method, headers: sent, body: text, signal, cache: "no-store" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      lost();
      throw new ConnectionLost();
    }
    if (response.status !== 401) return response;
    const error = await errorOf(response);
    if (error.code !== "invalid_admin_token") throw error;
    await askForToken(used);
    if (signal?.aborted) throw new DOMException("left", "AbortError");
  }
}

export async function errorOf(response) {
  let told = null;
  try { told = (await response.json()).error; } catch { /* no JSON */ }
  return new ApiError(response.status, told);
}

async function json(method, path, options) {
  const response = await send(method, path, options);
  if (!response.ok) throw await errorOf(response);
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    lost(); // it broke off in the middle
    throw new ConnectionLost();
  }
}

export const get = (path, signal) => json("GET", path, { signal });
export const post = (path, body, signal) => json("POST", path, { body, signal });
/** What is at `path`, with its `etag`: for a change that nothing may come before. */
export async function tagged(path) {
  const response = await send("GET", path);
  if (!response.ok) throw await errorOf(response);
  return { ...(await response.json()), etag: response.headers.get("etag") };
}

/** `etag` is that of what the change was made to: the server refuses it (412) when another one came between. */
export const put = (path, body, etag) => json("PUT", path, { body, etag });
export const remove = (path, etag) => json("DELETE", path, { etag });

/** `path` with those of `parameters` that have a value. */
export function query(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(given).toString();
  return text ? `${path}?${text}` : path;
}
