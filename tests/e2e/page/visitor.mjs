// Visitors of the page: opening it, waiting for what it shows, and what no visit may cause.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Errors of a page, and requests to elsewhere, of every page that was opened. */
export const problems = [];

function watchOver(page, origin) {
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !/Failed to load resource/.test(message.text()))
      problems.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(origin)) problems.push(`asks ${request.url()}`);
  });
}

/** In the page, before its own code: counts real notifications and real tones, and changes neither. */
function listen() {
  window.heard = { notifications: [], tones: [], labels: [] };
  window.Notification = new Proxy(window.Notification, {
    construct(target, [title, options]) {
      window.heard.notifications.push({ title, body: options?.body });
      return Reflect.construct(target, [title, options]);
    },
  });
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) {
    window.heard.tones.push(this.context.state);
    return start.apply(this, when);
  };
  // What the button has said from the first on: Playwright's own looks count as a person's touch.
  new MutationObserver(() => {
    const label = document.querySelector('[data-action="sound"]')?.title;
    if (label && label !== window.heard.labels.at(-1)) window.heard.labels.push(label);
  }).observe(document, { childList: true, subtree: true, attributeFilter: ["title"] });
}

/** A page in a context of its own, which costs seconds on a busy machine: few of them, used again. */
export async function visit(stage, { path = "/", prepare, ...options } = {}) {
  const context = await stage.browser.newContext({
    locale: "en-GB", viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...options });
  await context.addInitScript(listen);
  await prepare?.(context);
  const page = await context.newPage();
  watchOver(page, stage.origin);
  await page.goto(stage.origin + path);
  await page.locator("article.watch").first().waitFor();
  return page;
}

export const heard = (page) => page.evaluate(() => window.heard);

export const number = async (page, id) => Number((await page.locator(`#${id}`).textContent()).replace(/\D/g, ""));

export async function grows(page, id, limit = 15_000) {
  const seen = await number(page, id);
  await page.waitForFunction(([of, old]) => Number(document.getElementById(of).textContent.replace(/\D/g, "")) > old, [id, seen], { timeout: limit });
}

/** What axe calls serious or worse. Through the debugger, which the policy of the page does not bind. */
export async function complaints(page) {
  if (!await page.evaluate(() => "axe" in window)) await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
}

/** What does not fit: the page itself, an element beyond its edge, a text that its box cuts off. */
export const misfits = (page) => page.evaluate(() => {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways");
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest("svg, .hidden, #skip") || !element.checkVisibility()) continue;
    const { left, right, width, height } = element.getBoundingClientRect();
    if (width <= 1 || height <= 1) continue; // for screen readers
    const clips = getComputedStyle(element).overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1;
    if (left < -1 || right > innerWidth + 1 || clips) found.push(element.outerHTML.slice(0, 120));
  }
  return found;
});
