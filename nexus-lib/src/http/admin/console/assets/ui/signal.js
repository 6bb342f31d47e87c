// A value that components watch.
import { useEffect, useState } from "../vendor/preact-htm.js";

export function signal(value) {
  const watchers = new Set();
  return {
    get value() { return value; },
    set value(next) {
      if (next === value) return;
      value = next;
      for (const watcher of [...watchers]) watcher();
    },
    watch(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
}

/** The signal's value; the component is drawn again when it changes. */
export function use(source) {
  const [seen, see] = useState(source.value);
  useEffect(() => {
    const look = () => see(() => source.value);
    look(); // it may have changed since this was drawn
    return source.watch(look);
  }, [source]);
  return seen === source.value ? seen : source.value;
}

/** What is remembered in this browser; storage may be off or full, and then it is not. */
export const memory = {
  get(key, storage = "localStorage") {
    try { return window[storage].getItem(key); } catch { return null; }
  },
  set(key, value, storage = "localStorage") {
    try {
      if (value === null) window[storage].removeItem(key);
      else window[storage].setItem(key, value);
    } catch { /* not remembered */ }
  },
};
