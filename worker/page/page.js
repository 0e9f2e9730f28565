// The page: when it is drawn, and what happens to it.
import { follow, takeToken } from "./api.js";
import { actions, openToken } from "./actions.js";
import { drawCharts } from "./charts.js";
import { byId, morph } from "./dom.js";
import { changes, everything, now, readers, recall, refresh, settings, state } from "./model.js";
import { silent, tell, toast } from "./notices.js";
import { getLanguage, setLanguage, span, t } from "./text.js";
import { channels, events, hero, tools, urgent, watches } from "./view.js";

const POLL = 5000; // ms between two looks while there is no stream
const GRACE = 2500; // ms that a reload may take before anybody is told
const TOLD = ["opened", "available", "changed"];

// --- What is shown ---

function render() {
  const at = now();
  byId("job").textContent = state.leader?.job ?? "";
  byId("hero").dataset.state = state.leader?.self ? "loop" : "idle";
  morph(byId("hero"), hero(state, at));
  morph(byId("urgent"), urgent(state));
  morph(byId("watches"), watches(state, at));
  morph(byId("events"), events(state, at));
  morph(byId("channels"), channels(state));
  renderFrame();
  drawCharts(state);
}

function renderFrame() {
  morph(byId("tools"), tools({ ...settings, silent: silent(), trusted: state.trusted, language: getLanguage(), denied: globalThis.Notification?.permission === "denied" }));
  const names = { skip: "skip", "watches-title": "watches", "events-title": "events", "channels-title": "channels", "charts-title": "charts",
    "latency-title": "latency", "seats-title": "seats_chart", footer: "footer", "token-title": "token", "token-label": "token",
    "token-hint": "token_hint", "token-save": "save", "token-forget": "forget", "token-close": "cancel" };
  for (const [id, word] of Object.entries(names)) byId(id).textContent = t(word);
  document.title = `${state.unseen ? `(${state.unseen}) ` : ""}oneloop${state.leader ? ` · ${state.leader.job}` : ""}`;
  const link = byId("link");
  link.dataset.state = state.link;
  if (link.textContent !== t(state.link)) link.textContent = t(state.link);
}

/** Between two ticks only the clocks move. */
function turnClocks() {
  if (!state.leader) return;
  const left = state.leader.next ? Date.parse(state.leader.next) - now() : null;
  const every = Math.max(...state.watches.map((watch) => watch.every_ms), 1000);
  const place = byId("left-over");
  const shown = left === null ? "–" : left < 500 ? t("now") : span(left);
  if (place && place.textContent !== shown) place.textContent = shown;
  const part = left === null ? 0 : Math.min(1, Math.max(0, left / every));
  document.querySelector(".hand")?.setAttribute("stroke-dashoffset", (100 - part * 100).toFixed(1));
  for (const due of document.querySelectorAll("[data-due]")) {
    const wait = Date.parse(due.dataset.due) - now();
    const text = `${t("next_tick")} ${wait < 500 ? t("now") : span(wait)}`;
    if (due.textContent !== text) due.textContent = text;
  }
}

// --- What happens there ---

let offline = 0;
let polling = 0;

function setLink(link) {
  state.link = link;
  renderFrame();
}

const muted = (id) => state.watches.some((watch) => watch.id === id && watch.muted_until);

const onStream = {
  open() {
    clearTimeout(offline);
    clearInterval(polling);
    offline = polling = 0;
    setLink("live");
  },
  lost(count) {
    // A reload is over before anybody has to know.
    offline ||= setTimeout(() => setLink(polling ? "polling" : "offline"), GRACE);
    if (count >= 3) polling ||= setInterval(pollOnce, POLL);
  },
  event(kind, data) {
    if (kind === "hello") refresh(...everything);
    if (kind === "tick") refresh("leader", "watches", "ticks");
    if (kind === "delivery") refresh("events");
    if (kind === "mute") refresh("watches");
    if (kind === "pause") refresh("leader", "watches");
    if (kind === "leader" || kind === "prevented") refresh("leader");
    if (kind === "event") {
      refresh("events", "watches");
      if (TOLD.includes(data.what) && !muted(data.watch)) tell(data);
    }
  },
};

async function pollOnce() {
  try {
    await readers.leader();
    if (!polling) return; // the stream is back meanwhile
    setLink("polling");
    refresh(...everything);
  } catch {
    if (polling) setLink("offline");
  }
}

// --- What a person does ---

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-action]");
  // A menu closes with a click elsewhere, or a choice.
  for (const menu of document.querySelectorAll("details.mute-menu[open]")) {
    if (!menu.contains(event.target) || button) menu.removeAttribute("open");
  }
  if (!button || button.disabled) return;
  try {
    await actions[button.dataset.action](button.dataset);
  } catch (error) {
    toast(error.status === 429 ? t("too_soon", error.retryAfter || 1) : t("failed", error.message));
  }
  renderFrame();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelector("details.mute-menu[open]")?.removeAttribute("open");
  if (event.key === "Enter" && event.target.id === "token-input") actions["token-save"]();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  state.unseen = 0;
  renderFrame();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts(state));
changes.addEventListener("known", render);
changes.addEventListener("refused", openToken);

takeToken();
addEventListener("hashchange", () => { takeToken(); refresh(...everything); });
setLanguage(recall("language") ?? (navigator.language.startsWith("ko") ? "ko" : "en"));
renderFrame();
morph(byId("hero"), hero(state, now()));
refresh(...everything);
setInterval(turnClocks, 250);
follow(onStream);
