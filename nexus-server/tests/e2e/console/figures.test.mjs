// What the console shows of a gateway's figures, and what that costs the gateway.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, visit } from "./browser.mjs";
import { Server } from "./server.mjs";
import { upstream } from "./upstream.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const KEY = "k-0123456789";

async function with_console(flags, work) {
  const server = new Server(...flags);
  const fake = await upstream(["Yes"], []);
  try {
    await server.start();
    const { page, close } = await open(browser, server);
    await work({ server, page, fake });
    await close();
  } finally {
    fake.close();
    await server.end();
  }
}

const add = (server, name, server_url, fields = {}) =>
  server.admin("POST", "/providers", { name, server_url, server_key: "", personalized_key: KEY, ...fields });

/** Notes the admin port's answers that are not files of the page: their paths, and how long they are. */
function traffic(page, server) {
  const seen = [];
  page.on("response", (response) => {
    const { origin, pathname, search } = new URL(response.url());
    if (origin !== server.url || pathname === "/" || pathname.startsWith("/console/")) return;
    const one = { path: pathname + search, bytes: 0 };
    seen.push(one);
    response.body().then((body) => { one.bytes = body.length; }, () => {});
  });
  return seen;
}

test("the overview is one request, however many providers there are", () =>
  with_console([], async ({ server, page, fake }) => {
    for (let number = 0; number < 61; number += 1) {
      const { id } = await add(server, `Provider ${number}`, fake.url);
      await server.admin("POST", "/provider_models", { provider_id: id, model_name: "m" });
    }
    await (await server.chat(KEY, "m", "hi")).text();
    const seen = traffic(page, server);
    await visit(page, server, "overview");
    await page.locator("[data-figure=requests]").getByText("1", { exact: true }).waitFor();
    const first = seen.length;
    assert.ok(first <= 6, seen.map(({ path }) => path).join());
    // Three refreshes.
    const refreshed = () => page.waitForResponse((response) => response.url().includes("/stats/summary"));
    for (let time = 0; time < 3; time += 1) await refreshed();
    const later = seen.slice(first);
    assert.ok(later.length <= 4, later.map(({ path }) => path).join());
    assert.ok(later.every(({ path, bytes }) => path.startsWith("/stats/summary") && bytes < 40_000), JSON.stringify(later));
  }));

test("a page that is hidden asks for nothing, and is up to date when it is shown again", () =>
  with_console(["--demo"], async ({ server, page }) => {
    await (await server.chat("demo-key", "nexus-echo", "hi")).text();
    await visit(page, server, "overview");
    await page.locator("[data-figure=requests]").getByText("1", { exact: true }).waitFor();
    const look = (state) => page.evaluate((value) => {
      Object.defineProperty(document, "visibilityState", { value, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
    await page.clock.install();
    await visit(page, server, "overview");
    await look("hidden");
    await page.clock.runFor(4000);
    const seen = traffic(page, server);
    await page.clock.runFor(60_000);
    assert.deepEqual(seen, []);
    await (await server.chat("demo-key", "nexus-echo", "hi")).text();
    await look("visible");
    await page.locator("[data-figure=requests]").getByText("2", { exact: true }).waitFor();
  }));

test("figures are of the whole range: errors, percentiles, and the server's clock", () =>
  with_console([], async ({ server, page, fake }) => {
    await add(server, "Local", fake.url);
    for (const model_name of ["m", "broken"]) await server.admin("POST", "/provider_models", { provider_id: 1, model_name });
    for (let time = 0; time < 3; time += 1) await (await server.chat(KEY, "m", "hi")).text();
    await (await server.chat(KEY, "broken", "hi")).text();
    // A browser whose clock is a day ahead.
    await page.clock.setSystemTime(new Date(Date.now() + 86_400_000));
    await visit(page, server, "overview");
    const figure = (name) => page.locator(`[data-figure=${name}]`);
    await figure("requests").getByText("4", { exact: true }).waitFor();
    assert.equal(await figure("errors").innerText(), "1");
    assert.match(await figure("latency").innerText(), / m?s$/);
    await page.getByText(/p90 .* · p99 /).waitFor();
    await page.getByRole("button", { name: "24 hours" }).click();
    await figure("requests").getByText("4", { exact: true }).waitFor();
    await visit(page, server, "requests?span=hour");
    assert.equal(await page.locator("tbody tr").count(), 4);
  }));

test("an opened request says what each provider said", () =>
  with_console([], async ({ server, page, fake }) => {
    await add(server, "Gone", "http://no-such-host.invalid/v1", { priority: 0 });
    await add(server, "Local", fake.url, { priority: 1 });
    for (const provider_id of [1, 2]) await server.admin("POST", "/provider_models", { provider_id, model_name: "m" });
    const answer = await server.chat(KEY, "m", "hi");
    await answer.text();
    await visit(page, server, `requests?request=${answer.headers.get("x-request-id")}`);
    const tries = page.getByRole("table", { name: "Upstream requests" });
    await tries.waitFor();
    assert.equal(await tries.locator("tbody tr").count(), 2);
    assert.match(await tries.locator("tbody tr").first().innerText(), /Gone.*cannot be resolved \(DNS\)/s);
    assert.match(await tries.locator("tbody tr").last().innerText(), /Local.*200/s);
  }));

test("a long conversation is loaded in pages, and then only what is new", () =>
  with_console(["--archive-messages"], async ({ server, page, fake }) => {
    await add(server, "Local", fake.url);
    await server.admin("POST", "/provider_models", { provider_id: 1, model_name: "m" });
    const messages = [];
    let id;
    const round = async () => {
      messages.push({ role: "user", content: `Round ${messages.length} ${"word ".repeat(40)}` });
      const answer = await server.chat(KEY, "m", null, { messages });
      id = answer.headers.get("x-conversation-id");
      await answer.text();
      messages.push({ role: "assistant", content: "Yes" });
    };
    for (let time = 0; time < 40; time += 1) await round();
    const seen = traffic(page, server);
    await visit(page, server, `conversations/${encodeURIComponent(id)}`);
    await page.locator(".messages").getByText("Round 78").waitFor();
    assert.equal(await page.locator("tbody tr").count(), 30);
    const whole = JSON.stringify(messages).length;
    const sum = () => seen.reduce((total, { bytes }) => total + bytes, 0);
    assert.ok(sum() > 0 && sum() < 2 * whole + 40_000, `${sum()} bytes`);
    // Nothing is new: next to nothing is sent.
    await page.waitForResponse((response) => response.url().includes("after="));
    await page.waitForResponse((response) => response.url().includes("after="));
    assert.ok(seen.at(-2).bytes < 2000, JSON.stringify(seen.map(({ path, bytes }) => [path, bytes])));
    await round();
    await page.locator(".messages").getByText("Round 80").waitFor();
    assert.equal(await page.locator("tbody tr").count(), 31);
    await page.getByRole("button", { name: "Older" }).click();
    await page.locator("tbody tr").nth(40).waitFor();
  }));

test("of two tabs that change one thing the later is told, and undoes nothing", () =>
  with_console(["--demo"], async ({ server, page }) => {
    const edit = async (tab, name) => {
      await visit(tab, server, "providers");
      await tab.getByRole("button", { name: "Edit", exact: true }).click();
      await tab.getByRole("dialog").getByLabel("Name").fill(name);
    };
    const other = await page.context().newPage();
    await edit(page, "First");
    await edit(other, "Second");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "First" }).waitFor();
    await other.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await other.getByRole("alert").getByText("changed elsewhere").waitFor();
    assert.equal((await server.admin("GET", "/providers/1")).name, "First");
  }));

test("a cooldown that is over says that the next request probes", () =>
  with_console([], async ({ server, page }) => {
    await add(server, "Gone", "http://127.0.0.1:9");
    await server.admin("POST", "/provider_models", { provider_id: 1, model_name: "m" });
    for (let time = 0; time < 3; time += 1) await (await server.chat(KEY, "m", "hi")).text();
    await visit(page, server, "providers");
    await page.getByText("Cooldown ended: the next request probes").waitFor({ timeout: 20_000 });
  }));
