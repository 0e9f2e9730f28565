// The two charts, drawn by Chart.js from the polls that the worker remembers.
import { clock, number, t } from "./text.js";

const SHOWN = 100;
const DASHES = [[], [6, 3], [2, 3], [10, 4]];
const drawn = {};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options(unit) {
  const soft = colour("--soft");
  const grid = colour("--line");
  return {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    plugins: { legend: { display: false, labels: { color: soft, boxWidth: 14 } }, tooltip: { displayColors: false } },
    scales: {
      x: { grid: { display: false }, ticks: { color: soft, maxTicksLimit: 6, maxRotation: 0, autoSkip: true } },
      y: { beginAtZero: true, grid: { color: grid, drawBorder: false }, ticks: { color: soft, maxTicksLimit: 5, precision: 0 }, title: { display: Boolean(unit), text: unit, color: soft } },
    },
  };
}

function draw(id, config) {
  const known = drawn[id];
  if (known) {
    known.data = config.data;
    known.options = config.options;
    known.update("none");
  } else if (globalThis.Chart) {
    globalThis.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    drawn[id] = new globalThis.Chart(document.getElementById(id), config);
  }
}

const OUTCOME = { ok: "--good", empty: "--soft", blocked: "--warn", shape: "--bad", down: "--bad" };

/** Colours are read anew each time: the scheme may have changed. */
export function drawCharts(state) {
  const ticks = state.ticks.slice(0, SHOWN).reverse();
  const good = ticks.filter((tick) => ["ok", "empty"].includes(tick.outcome)).length;
  const times = ticks.map((tick) => clock(tick.at));
  const bars = options(t("latency_unit"));
  bars.plugins.tooltip.callbacks = {
    label: (item) => `${number(item.parsed.y)} ms · ${t(`source_${ticks[item.dataIndex].outcome}`)}`,
  };
  draw("latency", {
    type: "bar",
    data: { labels: times, datasets: [{ data: ticks.map((tick) => tick.ms), backgroundColor: ticks.map((tick) => colour(OUTCOME[tick.outcome] ?? "--soft")), borderRadius: 2, categoryPercentage: 0.9, barPercentage: 0.9, minBarLength: 2 }] },
    options: bars,
  });
  document.getElementById("latency-text").textContent = t("last_ticks", ticks.length, good);

  const lines = options("");
  const colours = ["--loop", "--fresh", "--bad", "--good"].map(colour);
  const datasets = state.watches.slice(0, 8).map((watch, index) => ({
    label: watch.name,
    data: ticks.map((tick) => (tick.watch === watch.id && ["ok", "empty"].includes(tick.outcome) ? tick.seats : null)),
    borderColor: colours[index % colours.length],
    backgroundColor: colours[index % colours.length],
    borderDash: DASHES[Math.floor(index / colours.length) % DASHES.length],
    borderWidth: 2, pointRadius: 0, pointHitRadius: 8, stepped: "after", spanGaps: true,
  }));
  lines.plugins.legend.display = datasets.length > 1;
  draw("seats", { type: "line", data: { labels: times, datasets }, options: lines });
  const now = state.watches.map((watch) => {
    const last = state.ticks.find((tick) => tick.watch === watch.id);
    return `${watch.name}: ${last ? number(last.seats) : "–"}`;
  });
  document.getElementById("seats-text").textContent = now.slice(0, 8).join(" · ");
}
