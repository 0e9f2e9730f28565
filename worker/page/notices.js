// What tells a person something: a line on the page, a sound, a notification of the browser.
import { get } from "./api.js";
import { byId } from "./dom.js";
import { changed, settings, state } from "./model.js";
import { t } from "./text.js";
import { describe } from "./view.js";

let toastTimer = 0;
export function toast(text) {
  byId("toast").textContent = text;
  byId("toast").classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => byId("toast").classList.remove("shown"), 3500);
}

const telling = [];
let tellTimer = 0;

/** Ten that open at once are one sound and one notification. */
export function tell(data) {
  telling.push(data.event);
  tellTimer ||= setTimeout(async () => {
    tellTimer = 0;
    const ids = telling.splice(0);
    const found = await Promise.all(ids.slice(0, 5).map((id) => get(`events/${encodeURIComponent(id)}`).catch(() => null)));
    const first = found.find(Boolean);
    const text = `${t(`kind_${first?.kind ?? "opened"}`)}: ${first?.payload?.title ?? ""}${ids.length > 1 ? ` +${ids.length - 1}` : ""}`;
    byId("announce").textContent = text;
    if (document.hidden) state.unseen += ids.length;
    if (settings.sound) chime();
    if (settings.notify && Notification.permission === "granted")
      new Notification(text, { body: first ? describe(first) : "", tag: ids[0], icon: "/page/icon.svg" });
    changed();
  }, 400);
}

// A browser plays nothing on a page that nobody has touched since it was loaded, and would play it
// all later.
export const silent = () => navigator.userActivation?.hasBeenActive === false;

let audio = null;
export function chime() {
  if (silent()) return;
  audio ??= new AudioContext();
  [660, 880, 1320].forEach((pitch, index) => {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const start = audio.currentTime + index * 0.13;
    tone.type = "sine";
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.exponentialRampToValueAtTime(0.18, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.45);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.5);
  });
}
