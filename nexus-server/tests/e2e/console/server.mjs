// A nexus-server process on free ports, in a folder of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const START_MS = 15_000;
const STOP_MS = 40_000;

export const within = (ms, promise, what) => {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

export class Server {
  #folder;
  #child = null;
  #exited = null;
  #flags;
  #port = 0;
  token = null;

  constructor(...flags) {
    this.#folder = mkdtempSync(join(tmpdir(), "nexus-console-"));
    this.#flags = flags;
  }

  /** Starts it, on the same folder and the same admin port as before. */
  async start() {
    const log = openSync(join(this.#folder, "stderr.log"), "a");
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("NEXUS_")));
    const env = this.token === null ? inherited : { ...inherited, NEXUS_ADMIN_TOKEN: this.token };
    const ports = ["--admin-addr", `127.0.0.1:${this.#port}`, "--api-addr", "127.0.0.1:0"];
    this.#child = spawn(process.env.NEXUS_SERVER_BIN, [...ports, ...this.#flags], { cwd: this.#folder, env, stdio: ["ignore", "pipe", log] });
    this.#exited = new Promise((resolve) => this.#child.once("exit", resolve));
    const addresses = {};
    const announced = (async () => {
      for await (const line of createInterface({ input: this.#child.stdout })) {
        const match = /^(\w+) listening on (http:\/\/\S+)/.exec(line);
        if (match) addresses[match[1]] = match[2];
        if (addresses.admin && addresses.api) return;
      }
      throw new Error(`it ended:\n${readFileSync(join(this.#folder, "stderr.log"), "utf8")}`);
    })();
    await within(START_MS, announced, "start");
    this.url = addresses.admin;
    this.api = addresses.api;
    this.#port = new URL(this.url).port;
    return this;
  }

  async stop() {
    this.#child.kill("SIGTERM");
    await within(STOP_MS, this.#exited, "stop");
  }

  /** Ends it however it was left, and deletes its folder. */
  async end() {
    if (this.#child && this.#child.exitCode === null) {
      this.#child.kill("SIGKILL");
      await this.#exited;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async admin(method, path, body) {
    const headers = { "content-type": "application/json" };
    if (this.token !== null) headers.authorization = `Bearer ${this.token}`;
    const response = await fetch(this.url + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? null : response.json();
  }

  async chat(key, model, content, fields = {}) {
    return fetch(`${this.api}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ model, messages: [{ role: "user", content }], ...fields }),
    });
  }
}
