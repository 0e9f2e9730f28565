// What the page shows, made from what the worker said. Pure but for the words: values in, elements out.
import { h } from "./dom.js";
import { ago, clock, day, number, span, t } from "./text.js";

const FRESH = 60 * 60 * 1000; // how long a showtime counts as new
const STRIP = 60;

const shape = (path) => h("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, h("path", { d: path }));
const ICONS = {
  bell: "M6 17V11a6 6 0 0 1 12 0v6l1.5 2h-15zM10 21h4",
  sound: "M4 10v4h4l5 4V6l-5 4zM16.5 9a4 4 0 0 1 0 6M19 6.5a8 8 0 0 1 0 11",
  mute: "M4 10v4h4l5 4V6l-5 4zM17 9.5l5 5M22 9.5l-5 5",
  auto: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5",
  dark: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  key: "M14.5 4a5.5 5.5 0 1 1-4.9 8L4 17.5V21h4v-2.5h2.5V16l1.6-1.6M16 8h.01",
};
const icon = (name) => shape(ICONS[name]);

export function tools(settings) {
  const button = (action, name, label, pressed) =>
    h("button.icon", { "data-action": action, "data-key": action, title: label, "aria-label": label,
      "aria-pressed": pressed === undefined ? null : String(pressed) }, icon(name));
  return [
    button("notify", "bell", t(settings.denied ? "notify_denied" : settings.notify ? "notify_on" : "notify_off"), settings.notify),
    button("sound", settings.sound ? "sound" : "mute", t(!settings.sound ? "sound_off" : settings.silent ? "sound_waits" : "sound_on"), settings.sound),
    button("theme", settings.theme, t(`theme_${settings.theme}`)),
    button("token", "key", t("token"), settings.trusted),
    h("button.language", { "data-action": "language", "data-key": "language", lang: settings.language === "ko" ? "en" : "ko" }, t("language")),
  ];
}

const badge = (source) =>
  h(`span.badge.${source === "empty" ? "empty-source" : source}`, {}, t(`source_${source}`));

export function hero(state, now) {
  const { leader } = state;
  if (!leader) return [h("div", {}, h("h1.headline", { id: "headline" }, t("loading")))];
  const left = leader.next ? Date.parse(leader.next) - now : null;
  const every = Math.max(...state.watches.map((watch) => watch.every_ms), 1000);
  const part = left === null ? 0 : Math.min(1, Math.max(0, left / every));
  const shown = left === null ? "–" : left < 500 ? t("now") : span(left);
  const hand = h("circle.hand", { cx: 50, cy: 50, r: 44, pathLength: 100, "stroke-dashoffset": (100 - part * 100).toFixed(1) });
  const facts = [
    ["generation", leader.generation || "–"],
    ["epoch", leader.epoch || "–"],
    ["pid", leader.pid],
    ["since", leader.since ? clock(leader.since) : "–"],
    ["instance", (leader.instance ?? "–").slice(0, 8), leader.instance],
  ];
  // Nobody waits for most loops.
  if (leader.standbys.length)
    facts.push(["standbys", leader.standbys.map((one) => one.pid).join(", "), leader.standbys.map((one) => t("standby", one.pid, clock(one.since))).join("\n")]);
  return [
    h("div.ring", { "data-key": "ring" },
      h("svg", { viewBox: "0 0 100 100", "aria-hidden": "true" }, h("circle.track", { cx: 50, cy: 50, r: 44 }), hand),
      h("div.inside", {}, h("div.label", {}, t("next_tick")), h("div.left-over", { id: "left-over" }, shown), h("div.label", { id: "tick" }, t("tick", leader.tick)))),
    h("div", { "data-key": "says" },
      h("h1.headline", { id: "headline" }, t(leader.self ? "one_loop" : leader.why_not === "starting" ? "starting" : "no_loop")),
      h("div.subline", {}, badge(leader.source), leader.self ? null : h("span", {}, leader.why_not),
        leader.trouble ? h("span.badge.down", {}, `${t("stored_not")}: ${leader.trouble}`) : null,
        h("span", {}, t("since"), " ", leader.since ? ago(leader.since, now) : "–"))),
    h("dl.facts", { "data-key": "facts" },
      h("div.big", { title: t("prevented_hint") }, h("dt", {}, t("prevented")), h("dd", { id: "prevented" }, number(leader.duplicates_prevented))),
      facts.map(([name, value, title]) => h("div", { "data-key": name }, h("dt", {}, t(name)), h("dd", { id: name, title: title ?? null }, value)))),
  ];
}

export function urgent(state) {
  const list = state.open;
  if (!list.length) return [];
  return [h("section.card.urgent", { "aria-labelledby": "urgent-title" },
    h("h2", { id: "urgent-title" }, t("needs_you")),
    h("ul", {}, list.map((one) => h("li", { "data-key": one.id },
      h("div.what", {}, h("strong", {}, one.subject), h("p.note", {},
        h("span.badge", { class: `badge ${one.state}` }, t(`state_${one.state}`)), " ",
        one.channel, one.to ? ` → ${one.to}` : "", " · ", t(one.state === "dead" ? "dead_hint" : "needs_you_hint"),
        one.reply ? ` (${one.reply})` : "")),
      settleButtons(state, one)))))];
}

const settleButtons = (state, one) => state.trusted
  ? h("div.row", {},
    h("button.primary", { "data-action": "resend", "data-id": one.id }, t("resend")),
    h("button", { "data-action": "skip", "data-id": one.id }, t("skip_it")))
  : null;

function strip(ticks) {
  const last = ticks.slice(0, STRIP).reverse();
  const good = last.filter((tick) => ["ok", "empty"].includes(tick.outcome)).length;
  return h("div.strip", { role: "img", "aria-label": t("last_ticks", last.length, good), title: t("last_ticks", last.length, good) },
    last.map((tick) => h("i", { class: tick.new ? "fresh" : tick.outcome })));
}

function seats(fields, state) {
  const { seats: free, seats_total: all } = fields;
  if (state === "gone") return h("span.count", {}, t("gone"));
  if (state === "sold_out") return h("span.count", {}, t("soldout"));
  if (free === null) return h("span.count", {}, "–");
  const part = all ? Math.min(100, (100 * free) / all) : 100;
  return [h("span.count", {}, h("b", {}, number(free)), all ? ` / ${number(all)}` : ""),
    h("div.bar-outer", { "aria-hidden": "true" }, h("div.bar-inner", { "width%": part.toFixed(1) }))];
}

function show(item, now) {
  const { fields } = item;
  const fresh = item.state !== "gone" && now - Date.parse(item.first_seen) < FRESH;
  const over = item.state !== "available";
  const few = fields.seats !== null && fields.seats_total && fields.seats / fields.seats_total < 0.15;
  return h("tr", { "data-key": item.key, class: [fresh && "fresh", over && "over", item.state === "gone" && "gone"].filter(Boolean).join(" ") || null },
    h("td.when", {}, h("span.start", {}, fields.start), " ", h("span.end", {}, `–${fields.end}`)),
    h("td.where", {}, fields.title, fresh ? h("span.tag", {}, t("new")) : null,
      h("small", {}, [fields.screen, fields.format].filter(Boolean).join(" · "))),
    h("td.room", { class: few ? "room few" : "room" }, seats(fields, item.state)),
    h("td", {}, !over && fields.link.startsWith("http")
      ? h("a.button.book", { href: fields.link, target: "_blank", rel: "noopener noreferrer", "aria-label": `${t("book")} ${fields.start} ${fields.title}` }, t("book"))
      : null));
}

// "Not open yet" is the cinema's word and never ours: a source that refused has not said so.
function nothing(watch, read) {
  const known = ["ok", "empty"].includes(watch.source.state);
  const word = watch.counts.items ? "nothing_matches" : "closed";
  return read && (known || watch.counts.items) ? [h("p.closed", { "data-key": "closed" }, t(word))] : [];
}

function shows(watch, items, read, now) {
  const list = items.filter((item) => !["started", "unconfirmed"].includes(item.state));
  const dates = [...new Set(list.map((item) => item.fields.date))];
  if (!dates.length) return nothing(watch, read);
  return dates.map((date) => {
    const rows = list.filter((item) => item.fields.date === date);
    return h("div", { "data-key": date },
      h("div.date", { id: `date-${watch.id}-${date}` }, day(date), h("span", {}, t("shows", rows.length))),
      h("table", { "aria-label": `${watch.name} ${day(date)}` },
        h("thead.hidden", {}, h("tr", {}, ["time", "film", "seats", "booking"].map((name) => h("th", { scope: "col" }, t(name))))),
        h("tbody", {}, rows.map((item) => show(item, now)))));
  });
}

function watchButtons(state, watch) {
  if (!state.trusted) return null;
  const choices = [["mute_1h", 1], ["mute_8h", 8], ["mute_1d", 24], ["mute_7d", 168]];
  return h("div.row", {},
    watch.paused_since || watch.ended ? null : h("button", { "data-action": "poll", "data-key": "poll", "data-id": watch.id }, t("poll_now")),
    h("button", { "data-action": watch.paused_since ? "resume" : "pause", "data-key": "pause", "data-id": watch.id }, t(watch.paused_since ? "resume" : "pause")),
    watch.muted_until
      ? h("button", { "data-action": "unmute", "data-id": watch.id }, t("unmute"))
      : h("details.mute-menu", { "data-key": "mute" },
        h("summary.button", { class: "button" }, t("mute")),
        h("div.choices", {}, choices.map(([name, hours]) =>
          h("button", { "data-action": "mute", "data-id": watch.id, "data-hours": hours }, t(name))))));
}

export function watches(state, now) {
  return state.watches.map((watch) => {
    const { source } = watch;
    const due = watch.due ? Date.parse(watch.due) - now : null;
    const broken = ["blocked", "shape", "down"].includes(source.state);
    return h("article.card.watch", { "data-key": watch.id, "aria-labelledby": `watch-${watch.id}` },
      h("header", {},
        h("div.top", {}, h("h3", { id: `watch-${watch.id}` }, watch.name), badge(source.state)),
        h("p.meta", {}, h("span", {}, t("every", span(watch.every_ms))), h("span", {}, t("tick", watch.tick_seq)),
          due === null ? null : h("span.due", { "data-due": watch.due }, `${t("next_tick")} ${due < 500 ? t("now") : span(due)}`),
          watch.ended ? h("span.paused", {}, t("ended", day(watch.active_until))) : null,
          watch.paused_since ? h("span.paused", {}, t("paused_since", clock(watch.paused_since))) : null,
          watch.muted_until ? h("span", {}, t("muted_until", clock(watch.muted_until))) : null),
        broken ? h("p.problem", {}, [source.since && clock(source.since), t("failed_times", source.fail_streak), source.last_error].filter(Boolean).join(" · ")) : null,
        strip(state.ticks.filter((tick) => tick.watch === watch.id)),
        watchButtons(state, watch)),
      shows(watch, state.items[watch.id] ?? [], watch.id in state.items, now));
  });
}

export function describe(event) {
  const fields = event.payload;
  return fields ? `${day(fields.date)} ${fields.start} · ${[fields.screen, fields.branch].filter(Boolean).join(" · ")}` : "";
}

export function events(state, now) {
  if (!state.events.length) return [h("p.empty", {}, t("no_events"))];
  return [h("ul.card.feed", {}, state.events.map((event) => h("li", { "data-key": event.id },
    h("div.line", {}, h("span.kind", { class: `kind ${event.kind}` }, t(`kind_${event.kind}`)),
      h("span.title", {}, event.payload?.title ?? event.item),
      h("time", { datetime: event.at, title: clock(event.at) }, ago(event.at, now))),
    h("p.detail", {}, describe(event)),
    event.deliveries.length ? h("div.chips", {}, event.deliveries.map((one) =>
      h("span.badge", { class: `badge ${one.state}`, title: one.reply }, `${one.channel} · ${t(`state_${one.state}`)}`))) : null)))];
}

export function channels(state) {
  if (!state.channels.length) return [h("p.empty", {}, t("no_channels"))];
  return [h("ul.card.feed.channels", {}, state.channels.map((channel) => {
    const tried = state.tests[channel.id];
    return h("li", { "data-key": channel.id },
      h("div", {}, h("strong", {}, channel.id), " ", h("span.note", {}, channel.kind)),
      state.trusted ? h("button", { "data-action": "test", "data-id": channel.id, disabled: tried === "running" }, t(tried === "running" ? "testing" : "test")) : h("span", {}),
      tried && tried !== "running" ? h("p.note.result", { role: "status" }, h("span.badge", { class: `badge ${tried.ok ? "sent" : "dead"}` }, t(tried.ok ? "test_ok" : "test_bad")), " ", tried.reply) : null);
  }))];
}
