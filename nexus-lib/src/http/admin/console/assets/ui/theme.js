// Light or dark: as the system has it, or as the reader chose.
import { memory, signal } from "./signal.js";

const KEY = "nexus.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const chosen = memory.get(KEY);

/** `system`, `light` or `dark`. */
export const theme = signal(["light", "dark"].includes(chosen) ? chosen : "system");
/** Whether it is dark now. */
export const isDark = signal(false);

function apply() {
  const root = document.documentElement;
  if (theme.value === "system") delete root.dataset.theme;
  else root.dataset.theme = theme.value;
  isDark.value = theme.value === "system" ? system.matches : theme.value === "dark";
}

export function paint(next) {
  memory.set(KEY, next === "system" ? null : next);
  theme.value = next;
  apply();
}

system.addEventListener("change", apply);
apply();
