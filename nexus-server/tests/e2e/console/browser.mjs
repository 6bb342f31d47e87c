// Debian's Chromium, and pages of it that fail a test when they do what they must not.
import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const PAGES = ["overview", "providers", "models", "requests", "conversations", "playground", "settings"];

export function launch() {
  // Root has no sandbox of its own, as in containers.
  const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
}

/**
 * A page of the console in a browser of its own. What it must not do is noted in `faults`: errors, dialogs,
 * requests to another host, and refusals by its own policy.
 */
export async function open(browser, server, { locale = "en-GB", width = 1280, height = 900, scheme = "light" } = {}) {
  const context = await browser.newContext({ locale, viewport: { width, height }, colorScheme: scheme, timezoneId: "UTC" });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error}`));
  page.on("dialog", (dialog) => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("console", (message) => { if (/Content Security Policy|Content-Security-Policy/.test(message.text())) faults.push(message.text()); });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && origin !== server.url) faults.push(`request to ${request.url()}`);
  });
  page.setDefaultTimeout(10_000);
  return { page, context, faults, close: async () => { await context.close(); assert.deepEqual(faults, []); } };
}

export async function visit(page, server, name) {
  // From elsewhere: a change of the address alone leaves the page that was there for a moment, as if it were this one.
  await page.goto("about:blank");
  await page.goto(`${server.url}/#/${name}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.locator(".loading").waitFor({ state: "detached" });
}

/** Faults by the rules of WCAG that stop or hinder people: each as one line. */
export async function axe(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return grave.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}`));
}
