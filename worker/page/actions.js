// What a person does: each button's data-action is a name here.
import { getToken, post, setToken } from "./api.js";
import { byId } from "./dom.js";
import { changed, everything, now, readers, refresh, remember, settings, state } from "./model.js";
import { chime, toast } from "./notices.js";
import { getLanguage, setLanguage, t } from "./text.js";

export function openToken() {
  byId("token-input").value = getToken();
  byId("token-wrong").textContent = "";
  if (!byId("token-dialog").open) byId("token-dialog").showModal();
}

const id = (data) => encodeURIComponent(data.id);
export const actions = {
  async notify() {
    if (!settings.notify && globalThis.Notification) await Notification.requestPermission();
    settings.notify = !settings.notify && globalThis.Notification?.permission === "granted";
    remember("notify", settings.notify ? "on" : "off");
    toast(t(settings.notify ? "notify_on" : globalThis.Notification?.permission === "denied" ? "notify_denied" : "notify_off"));
  },
  sound() {
    settings.sound = !settings.sound;
    remember("sound", settings.sound ? "on" : "off");
    if (settings.sound) chime();
  },
  theme() {
    settings.theme = { auto: "light", light: "dark", dark: "auto" }[settings.theme] ?? "auto";
    remember("theme", settings.theme);
    if (settings.theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = settings.theme;
    changed();
  },
  language() {
    setLanguage(getLanguage() === "ko" ? "en" : "ko");
    remember("language", getLanguage());
    changed();
  },
  token: openToken,
  "token-close": () => byId("token-dialog").close(),
  async "token-forget"() {
    setToken("");
    byId("token-dialog").close();
    await refresh("leader");
  },
  async "token-save"() {
    setToken(byId("token-input").value.trim());
    const right = await readers.leader().then(() => state.trusted, () => false);
    byId("token-wrong").textContent = right ? "" : t("token_wrong");
    if (right) byId("token-dialog").close();
    else setToken("");
    if (right) refresh(...everything);
  },
  async poll(data) {
    const { tick_seq: tick } = await post(`watches/${id(data)}/poll`);
    toast(t("done_poll", tick));
  },
  async mute(data) {
    const until = new Date(now() + Number(data.hours) * 3_600_000).toISOString();
    await post(`watches/${id(data)}/mute`, { until });
    await refresh("watches");
  },
  async unmute(data) {
    await post(`watches/${id(data)}/unmute`);
    await refresh("watches");
  },
  async pause(data) {
    await post(`watches/${id(data)}/pause`);
    await refresh("leader", "watches");
  },
  async resume(data) {
    await post(`watches/${id(data)}/resume`);
    await refresh("leader", "watches");
  },
  async resend(data) {
    await post(`deliveries/${id(data)}/resend`);
    toast(t("done"));
    await refresh("events");
  },
  async skip(data) {
    await post(`deliveries/${id(data)}/skip`);
    toast(t("done"));
    await refresh("events");
  },
  async test(data) {
    state.tests[data.id] = "running";
    changed();
    state.tests[data.id] = await post(`channels/${id(data)}/test`).catch((error) => ({ ok: false, reply: error.message }));
    changed();
  },
};
