// Line icons on a grid of 24.
import { html } from "../vendor/preact-htm.js";

const PATHS = {
  overview: "M4 19V10M10 19V5M16 19v-7M21 19H3",
  providers: "M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01",
  models: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12v9M12 12L4 7.5",
  requests: "M4 7h16M4 12h16M4 17h10",
  conversations: "M4 5h16v11H9l-5 4z",
  playground: "M7 5l11 7-11 7z",
  settings: "M4 8h10M18 8h2M4 16h2M10 16h10M16 6v4M8 14v4",
  menu: "M4 7h16M4 12h16M4 17h16",
  sun: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6L7 7M17 17l1.4 1.4M5.6 18.4L7 17M17 7l1.4-1.4",
  moon: "M20 14.5A8 8 0 119.5 4 6.5 6.5 0 0020 14.5z",
};

export const Icon = ({ name }) => html`
  <svg class="icon-line" viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" focusable="false">
    <path d=${PATHS[name]} fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" />
  </svg>`;
