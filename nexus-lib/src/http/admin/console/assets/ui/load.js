// Loading what a page shows.
import { useEffect, useState } from "../vendor/preact-htm.js";
import { epoch } from "../api.js";
import { use } from "./signal.js";

/**
 * What `load(signal)` resolves to, loaded again when `deps` change, when the connection is back, and every
 * `every` milliseconds while the page can be seen. What was loaded before stays until then.
 */
export function useLoad(load, deps, every = 0) {
  const [state, set] = useState({ data: undefined, error: undefined });
  const [again, setAgain] = useState(0);
  const round = use(epoch);
  useEffect(() => {
    const abort = new AbortController();
    let timer;
    const run = async () => {
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
      if (document.hidden) timer = setTimeout(tick, every);
      else run();
    };
    run();
    return () => { abort.abort(); clearTimeout(timer); };
  }, [...deps, round, again]);
  return { ...state, reload: () => setAgain((count) => count + 1) };
}
