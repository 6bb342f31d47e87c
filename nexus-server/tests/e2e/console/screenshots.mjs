// Pictures of each page in both languages and both widths, for the README.
//   NEXUS_SERVER_BIN=… node screenshots.mjs FOLDER [MINUTES]
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { launch, open, PAGES, visit } from "./browser.mjs";
import { Server } from "./server.mjs";
import { upstream } from "./upstream.mjs";

const folder = process.argv[2];
/** How long to chat before: charts of minutes have more to show then. */
const MINUTES = Number(process.argv[3] ?? 0);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
mkdirSync(folder, { recursive: true });

const words = ["A gateway ", "sits between ", "your programs ", "and the models ", "they talk to: ", "one address, ", "one key, ", "and a ledger ", "of every token."];
const fake = await upstream(words, ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "o4-mini", "text-embedding-3-small"]);
const server = await new Server("--demo", "--archive-messages").start();
const empty = await new Server().start();
const browser = await launch();
try {
  const { page: first, close: closeFirst } = await open(browser, empty);
  await visit(first, empty, "overview");
  await first.screenshot({ path: join(folder, "first-steps-en-1280.png") });
  await closeFirst();

  const add = async (fields, models) => {
    const provider = await server.admin("POST", "/providers", { server_key: "sk-0123456789abcdefwxyz", personalized_key: "team-key-0123456789", ...fields });
    for (const model_name of models) await server.admin("POST", "/provider_models", { provider_id: provider.id, model_name });
    return provider;
  };
  await add({ name: "OpenAI", server_url: fake.url, description: "Production account" }, ["gpt-4o", "gpt-4o-mini"]);
  await add({ name: "Backup", server_url: fake.url, priority: 1, personalized_key: "backup-key-012345678" }, ["slow", "broken", "gpt-4o"]);
  fake.pace = () => sleep(20 + 60 * Math.random());
  const say = ["What is a gateway?", "Write a haiku about ledgers.", "Summarise this page.", "Translate: good morning."];
  const end = Date.now() + MINUTES * 60_000;
  for (let round = 0; round < 24 || Date.now() < end; round += 1) {
    const model = ["gpt-4o", "gpt-4o", "gpt-4o-mini"][round % 3];
    await (await server.chat("team-key-0123456789", model, `${say[round % 4]} (${round})`, { stream: round % 2 === 0 })).text();
    if (round % 4 === 0) await (await server.chat("demo-key", "nexus-echo", `Hello, echo ${round}!`)).text();
    if (round % 11 === 0) await (await server.chat("backup-key-012345678", "broken", "Does it work?")).text();
    if (Date.now() < end) await sleep(4000 * Math.random() * (1.2 + Math.sin(round / 12)));
  }
  await server.admin("POST", "/providers/2/test", {});

  for (const locale of ["en-GB", "zh-CN"]) {
    for (const width of [1280, 390]) {
      for (const scheme of locale === "en-GB" && width === 1280 ? ["light", "dark"] : ["light"]) {
        const { page, close } = await open(browser, server, { locale, width, height: width === 390 ? 844 : 900, scheme });
        for (const name of PAGES) {
          await visit(page, server, name);
          if (name === "playground") {
            await page.locator("#chat-provider").selectOption({ label: "OpenAI" });
            await page.locator("#chat-draft").fill(locale === "zh-CN" ? "网关是什么？" : "What is a gateway?");
            await page.locator("#chat-draft").press("Enter");
            await page.locator("[data-cost]").waitFor();
          }
          // Drawn in full.
          await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
          const tail = scheme === "dark" ? "-dark" : "";
          const options = { path: join(folder, `${name}-${locale.slice(0, 2)}-${width}${tail}.png`), fullPage: name === "overview" };
          await page.screenshot(options);
        }
        if (scheme === "light") {
          const shot = (name) => page.screenshot({ path: join(folder, `${name}-${locale.slice(0, 2)}-${width}.png`) });
          await visit(page, server, "requests");
          await page.locator("tbody button").first().click();
          await page.locator("dialog .messages").waitFor();
          await shot("request");
          await page.keyboard.press("Escape");
          await visit(page, server, "providers");
          await page.locator(".page-head .primary").click();
          await shot("provider-form");
          await page.keyboard.press("Escape");
          await page.locator(".cards .card").nth(1).locator(".actions .button").first().click();
          await page.locator(".outcome").waitFor();
          await shot("provider-test");
          await visit(page, server, "models");
          await page.locator(".card").nth(1).locator(".push .button").first().click();
          await page.locator(".picks").waitFor();
          await shot("model-picker");
        }
        await close();
      }
    }
  }
} finally {
  await browser.close();
  await server.end();
  await empty.end();
  fake.close();
}
