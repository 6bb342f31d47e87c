// Words in the reader's language.
import { memory, signal } from "./signal.js";
import en from "../text/en.js";
import zh from "../text/zh.js";

const TEXTS = { en, zh };
const KEY = "nexus.language";

function first() {
  const chosen = memory.get(KEY);
  if (chosen in TEXTS) return chosen;
  for (const tag of navigator.languages ?? [navigator.language]) {
    const language = tag.slice(0, 2).toLowerCase();
    if (language in TEXTS) return language;
  }
  return "en";
}

export const language = signal(first());

export function speak(next) {
  memory.set(KEY, next);
  language.value = next;
}

/** How figures and times are written: as the browser's own kind of the language does. */
export const locale = () =>
  navigator.languages?.find((tag) => tag.toLowerCase().startsWith(language.value)) ?? (language.value === "zh" ? "zh-CN" : "en");

/** The text called `key`, with `{names}` in it replaced. */
export function t(key, values = {}) {
  const texts = TEXTS[language.value];
  // Only some languages have a form of their own for one.
  const form = values.count === "1" && `${key}.one` in texts ? `${key}.one` : key;
  const text = texts[form] ?? en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
