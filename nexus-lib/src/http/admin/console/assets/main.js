// The frame around the pages: where one is, what is wrong with the connection, and the token.
import { html, render, useEffect, useState } from "./vendor/preact-htm.js";
import { locked, online } from "./api.js";
import { language, locale, speak, t } from "./ui/language.js";
import { link, route } from "./ui/route.js";
import { use } from "./ui/signal.js";
import { isDark, paint, theme } from "./ui/theme.js";
import { TokenDialog } from "./ui/token.js";
import { Icon } from "./ui/icons.js";
import { Overview } from "./pages/overview.js";
import { Providers } from "./pages/providers.js";
import { Models } from "./pages/models.js";
import { Requests } from "./pages/requests.js";
import { Conversations } from "./pages/conversations.js";
import { Playground } from "./pages/playground.js";
import { Settings } from "./pages/settings.js";

const PAGES = {
  overview: Overview,
  providers: Providers,
  models: Models,
  requests: Requests,
  conversations: Conversations,
  playground: Playground,
  settings: Settings,
};

function Navigation({ page, isOpen, onGo }) {
  return html`
    <nav id="pages" class=${isOpen ? "open" : ""} aria-label=${t("pages")}>
      <ul>
        ${Object.keys(PAGES).map((name) => html`
          <li><a href=${link(name)} aria-current=${name === page ? "page" : undefined} onClick=${onGo}>
            <${Icon} name=${name} />${t(`page.${name}`)}
          </a></li>`)}
      </ul>
    </nav>`;
}

function Switches() {
  use(theme);
  const dark = use(isDark);
  const other = language.value === "zh" ? ["en", "English"] : ["zh", "中文"];
  return html`
    <div class="switches">
      <button type="button" class="quiet" lang=${other[0]} onClick=${() => speak(other[0])}>${other[1]}</button>
      <button type="button" class="quiet" onClick=${() => paint(dark ? "light" : "dark")}>
        <${Icon} name=${dark ? "sun" : "moon"} />${dark ? t("theme.light") : t("theme.dark")}
      </button>
    </div>`;
}

function App() {
  use(language);
  const { page } = use(route);
  const isOnline = use(online);
  const lock = use(locked);
  const [isOpen, open] = useState(false);
  const known = page in PAGES ? page : "overview";
  useEffect(() => {
    document.documentElement.lang = locale();
    document.title = `${t(`page.${known}`)} · NexusAI`;
  });
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.getElementById("main").focus(); }}>${t("skip")}</a>
    <div class="frame">
      <header class="side">
        <div class="brand">
          <a href=${link("overview")} aria-label="NexusAI"><img src="console/icon.svg" alt="" width="28" height="28" /><span>NexusAI</span></a>
          <button type="button" class="quiet menu" aria-expanded=${isOpen} aria-controls="pages" onClick=${() => open(!isOpen)}>
            <${Icon} name="menu" />${t("menu")}
          </button>
        </div>
        <${Navigation} page=${known} isOpen=${isOpen} onGo=${() => open(false)} />
        <${Switches} />
      </header>
      <main id="main" tabindex="-1">
        ${!isOnline && html`<p class="banner" role="alert"><span class="spinner" aria-hidden="true"></span>${t("lost")}</p>`}
        <${PAGES[known]} key=${known} />
      </main>
    </div>
    ${lock && html`<${TokenDialog} wrong=${lock.wrong} />`}`;
}

render(html`<${App} />`, document.getElementById("app"));
