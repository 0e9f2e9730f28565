// What is asked of the worker, and the stream of what happens there.

const TOKEN = "oneloop.token";

/** From the address, where it never leaves the browser, into the browser's memory. */
export function takeToken() {
  const given = /[#&]token=([\w.~+/=-]+)/.exec(location.hash);
  if (!given) return;
  setToken(given[1]);
  history.replaceState(null, "", location.pathname + location.search);
}

export const getToken = () => localStorage.getItem(TOKEN) ?? "";

export function setToken(token) {
  if (token) localStorage.setItem(TOKEN, token);
  else localStorage.removeItem(TOKEN);
}

function headers(more = {}) {
  const token = getToken();
  return token ? { ...more, Authorization: `Bearer ${token}` } : more;
}

export class Refusal extends Error {
  constructor(status, body, retryAfter) {
    super(body?.error?.message ?? `HTTP ${status}`);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

async function ask(path, options) {
  const reply = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(40_000), ...options });
  const body = await reply.json().catch(() => null);
  if (!reply.ok) throw new Refusal(reply.status, body, Number(reply.headers.get("Retry-After")));
  return body;
}

export const get = (path) => ask(`/api/v1/${path}`, { headers: headers() });

export const post = (path, body = {}) =>
  ask(`/api/v1/${path}`, {
    method: "POST",
    headers: headers({ "Content-Type": "application/json" }),
    body: JSON.stringify(body),
  });

/**
 * Follows the stream for ever: `on.event(kind, data)` for each event, `on.open()` and `on.lost(count)`.
 * With fetch and not EventSource, because that one can send no token, and waits for seconds after a
 * reload of the worker which takes milliseconds.
 */
export async function follow(on) {
  let last = null;
  let failures = 0;
  for (;;) {
    const stop = new AbortController();
    // The worker says something every fifteen seconds; a silent one is a dead connection.
    let alarm = setTimeout(() => stop.abort(), 10_000);
    try {
      const more = last === null ? {} : { "Last-Event-ID": last };
      const reply = await fetch("/api/v1/stream", { headers: headers(more), signal: stop.signal, cache: "no-store" });
      if (!reply.ok) throw new Error(`HTTP ${reply.status}`);
      const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(alarm);
        alarm = setTimeout(() => stop.abort(), 40_000);
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop();
        for (const block of blocks) {
          const fields = Object.fromEntries(block.split("\n").map((line) => {
            const colon = line.indexOf(": ");
            return [line.slice(0, colon), line.slice(colon + 2)];
          }));
          if (fields.id) last = fields.id;
          if (!fields.event) continue;
          if (failures || fields.event === "hello") on.open();
          failures = 0;
          on.event(fields.event, JSON.parse(fields.data));
        }
      }
    } catch {
      // Below.
    }
    clearTimeout(alarm);
    failures += 1;
    on.lost(failures);
    const pause = Math.min(150 * 2 ** Math.min(failures - 1, 5), 4000);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
