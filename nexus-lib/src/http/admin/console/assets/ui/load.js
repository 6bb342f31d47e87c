// Loading what a page shows.
import { useEffect, useState } from "../vendor/preact-htm.js";
import { epoch } from "../api.js";
import { use } from "./signal.js";

/**
 * What `load(signal)` resolves to, loaded again when `deps` change, when the connection is back, and every
 * `every` milliseconds while the page can be seen. A page that is hidden asks for nothing; shown again, it
 * is brought up to date at once. What was loaded before stays until then.
 */
export function useLoad(load, deps, every = 0) {
  const [state, set] = useState({ data: undefined, error: undefined });
  const [again, setAgain] = useState(0);
  const round = use(epoch);
  useEffect(() => {
    const abort = new AbortController();
    let timer;
    let isDue = false;
    const run = async () => {
      isDue = false;
      try {
        const data = await load(abort.signal);
        if (!abort.signal.aborted) set({ data, error: undefined });
      } catch (error) {
        if (abort.signal.aborted) return;
        set((before) => ({ data: before.data, error }));
      }
      if (every && !abort.signal.aborted) timer = setTimeout(tick, every);
    };
    const tick = () => {
      if (document.visibilityState === "hidden") isDue = true;
      else run();
    };
    const shown = () => { if (isDue && document.visibilityState !== "hidden") run(); };
    document.addEventListener("visibilitychange", shown);
    run();
    return () => { abort.abort(); clearTimeout(timer); document.removeEventListener("visibilitychange", shown); };
  }, [...deps, round, again]);
  return { ...state, reload: () => setAgain((count) => count + 1) };
}
