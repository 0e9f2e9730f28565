// What the page knows, and how it is asked for anew. `changes` tells: "known" when there is something
// to draw, "refused" when a token is wanted.
import { Refusal, get } from "./api.js";

export const remember = (name, value) => localStorage.setItem(`oneloop.${name}`, value);
export const recall = (name) => localStorage.getItem(`oneloop.${name}`);

export const state = {
  leader: null, trusted: false, watches: [], items: {}, ticks: [], events: [], open: [], channels: [],
  tests: {}, link: "offline", skew: 0, unseen: 0,
};
export const settings = {
  sound: recall("sound") === "on",
  notify: recall("notify") === "on" && globalThis.Notification?.permission === "granted",
  theme: recall("theme") ?? "auto",
};

export const now = () => Date.now() + state.skew;

export const changes = new EventTarget();
export const changed = () => changes.dispatchEvent(new Event("known"));

export const readers = {
  async leader() {
    state.leader = await get("leader");
    state.trusted = state.leader.may_change;
    state.skew = Date.parse(state.leader.now) - Date.now();
    if (Math.abs(state.skew) < 2000) state.skew = 0;
  },
  async watches() {
    state.watches = (await get("watches")).items;
    const items = {};
    // A few at a time: there may be a thousand, and the browser keeps six connections.
    const left = [...state.watches];
    const some = async () => {
      for (let watch = left.shift(); watch; watch = left.shift())
        items[watch.id] = (await get(`watches/${encodeURIComponent(watch.id)}/items?match=1`)).items;
    };
    await Promise.all([some(), some(), some(), some()]);
    state.items = items;
  },
  async ticks() { state.ticks = (await get("ticks?limit=300")).items; },
  async events() {
    const [all, uncertain, dead] = await Promise.all([get("events?limit=12"), get("deliveries?state=uncertain"), get("deliveries?state=dead&limit=20")]);
    state.events = all.items;
    state.open = [...uncertain.items, ...dead.items];
  },
  async channels() { state.channels = (await get("channels")).items; },
};

const wanted = new Set();
let reading = false;

/** Reads these parts anew, soon and together; what fails is asked again by whoever notices. */
export async function refresh(...parts) {
  for (const part of parts) wanted.add(part);
  if (reading) return;
  reading = true;
  try {
    while (wanted.size) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      const due = [...wanted];
      wanted.clear();
      await Promise.all(due.map((part) => readers[part]()));
      changed();
    }
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) {
      wanted.clear();
      changes.dispatchEvent(new Event("refused"));
    }
  } finally {
    reading = false;
  }
  // What was wanted while another part failed.
  if (wanted.size) setTimeout(refresh, 1000);
}

export const everything = Object.keys(readers);
