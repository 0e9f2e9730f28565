// The worker's page in a real browser, with the real supervisor and worker behind it.
//
//   node --test page_test.mjs      with SUPERVISOR, WORKER, SIMULATOR and OUTPUT in the environment
//
// One browser for all of it. Screenshots are left in OUTPUT; two of them are the README's.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { raise, until } from "./stage.mjs";

const { SUPERVISOR: supervisor, WORKER: worker, SIMULATOR: simulator, OUTPUT: output } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let stage;
let page; // of a person without the token, from the first test to the last
const problems = []; // what no test may cause: errors of the page, requests to elsewhere

function watchOver(subject) {
  subject.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  subject.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !/Failed to load resource/.test(message.text()))
      problems.push(`console: ${message.text()}`);
  });
  subject.on("request", (request) => {
    if (!request.url().startsWith(stage.origin)) problems.push(`asks ${request.url()}`);
  });
}

async function open(options, path = "/") {
  const context = await stage.browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 900 }, ...options });
  const fresh = await context.newPage();
  watchOver(fresh);
  await fresh.goto(stage.origin + path);
  return fresh;
}

const number = async (subject, id) => Number((await subject.locator(`#${id}`).textContent()).replace(/\D/g, ""));
const tickMoves = async (subject, limit = 15_000) => {
  const seen = await number(subject, "tick");
  await subject.waitForFunction((old) => Number(document.getElementById("tick").textContent.replace(/\D/g, "")) > old, seen, { timeout: limit });
};

before(async () => {
  stage = await raise({ supervisor, worker, simulator, output });
  page = await open();
  await page.locator("article.watch").first().waitFor();
  // Lost with a reload of the page, and with nothing else.
  await page.evaluate(() => {
    window.mark = "the same page";
    window.links = new Set();
    new MutationObserver(() => window.links.add(document.getElementById("link").dataset.state))
      .observe(document.getElementById("link"), { attributes: true });
  });
});

after(async () => { await stage?.fall(); });

test("the page follows a tick", async () => {
  await tickMoves(page);
  const leader = await stage.ask("/api/v1/leader");
  assert.equal(await number(page, "pid"), leader.pid);
  assert.equal(await number(page, "generation"), leader.generation);
  assert.equal(await number(page, "epoch"), leader.epoch);
  assert.equal(await page.locator("#headline").textContent(), "One loop is running");
  assert.equal(await page.locator("#link").getAttribute("data-state"), "live");
});

test("control: a page that is told nothing does not follow", async () => {
  const deaf = await open();
  await deaf.locator("article.watch").first().waitFor();
  await deaf.context().route("**/api/**", (route) => route.abort());
  await deaf.context().setOffline(true);
  await assert.rejects(tickMoves(deaf, 3500), /Timeout/);
  await deaf.context().close();
});

test("an opening appears without a reload, is marked, and is announced", async () => {
  assert.equal(await page.locator("article.watch tbody tr").count(), 0);
  await stage.cinema("open");
  await page.locator("article.watch tr.fresh").first().waitFor();
  await page.locator("#events li .kind.opened").first().waitFor();
  await page.locator("#announce", { hasText: "Opened: 별의 아이" }).waitFor({ state: "attached" });
  assert.match(await page.locator("article.watch .book").first().getAttribute("href"), /^https:\/\//);
  assert.ok(await page.locator("article.watch .bar-inner").first().evaluate((bar) => bar.offsetWidth > 0));
  await page.locator("#events .badge.sent").first().waitFor();
  await page.locator("#urgent .badge.uncertain").first().waitFor();
  assert.equal(await page.evaluate(() => window.mark), "the same page");
});

test("without the token there are no buttons that change anything", async () => {
  for (const action of ["poll", "mute", "test", "resend", "skip"])
    assert.equal(await page.locator(`[data-action="${action}"]`).count(), 0, action);
});

test("a reload of the worker goes unnoticed", async () => {
  await page.evaluate(() => window.links.clear());
  const before = await number(page, "generation");
  stage.reload("second");
  await page.waitForFunction((old) => Number(document.getElementById("generation").textContent) > old, before, { timeout: 15_000 });
  await tickMoves(page);
  assert.equal(await page.evaluate(() => window.mark), "the same page");
  assert.deepEqual(await page.evaluate(() => [...window.links].filter((state) => state !== "live")), []);
  assert.ok(await page.locator("article.watch tbody tr").count() > 0);
});

test("with the token the buttons work", async () => {
  const mine = await open({}, `/#token=${stage.token()}`);
  await mine.locator('[data-action="poll"]').first().waitFor();
  assert.equal(mine.url(), `${stage.origin}/`, "the token is not left in the address");

  const polled = mine.waitForResponse((reply) => reply.url().endsWith("/poll"));
  await mine.locator('[data-action="poll"]').first().click();
  assert.ok([202, 429].includes((await polled).status()));

  const card = mine.locator("article.watch").first();
  await card.locator("summary").click();
  await card.locator('[data-action="mute"]').first().click();
  await card.locator('[data-action="unmute"]').click();
  await card.locator("summary").waitFor();
  assert.equal((await stage.ask("/api/v1/watches/daegu")).muted_until, null);

  await mine.locator('[data-action="test"][data-id="mail"]').click();
  await mine.locator("#channels .badge.sent").waitFor();
  await mine.locator('[data-action="test"][data-id="telephone"]').click();
  await mine.locator("#channels .badge.dead").waitFor();

  // Sent again it is uncertain once more, since this receiver never answers; and then it is let be.
  const [first] = (await stage.ask("/api/v1/deliveries?state=uncertain")).items;
  await mine.locator(`[data-action="resend"][data-id="${first.id}"]`).click();
  await until("second try", async () =>
    (await stage.ask("/api/v1/deliveries?state=uncertain")).items.some((one) => one.id === first.id && one.attempt > first.attempt));
  await mine.locator(`[data-action="skip"][data-id="${first.id}"]`).click();
  await page.locator(`#urgent [data-key="${first.id}"]`).waitFor({ state: "detached" });

  await mine.locator('[data-action="token"]').click();
  await mine.locator("#token-input").fill("wrong");
  await mine.locator("#token-save").click();
  await mine.locator("#token-wrong", { hasText: "not the token" }).waitFor();
  await mine.context().close();
});

test("the keyboard reaches everything, and a tick takes the focus from nobody", async () => {
  const mine = await open({}, `/#token=${stage.token()}`);
  await mine.locator('[data-action="poll"]').first().waitFor();
  await mine.keyboard.press("Tab");
  assert.equal(await mine.evaluate(() => document.activeElement.id), "skip");
  const reached = new Set();
  for (let i = 0; i < 45; i++) {
    await mine.keyboard.press("Tab");
    reached.add(await mine.evaluate(() => document.activeElement.dataset.action ?? document.activeElement.tagName));
  }
  for (const one of ["notify", "sound", "theme", "token", "language", "poll", "test", "SUMMARY", "A"]) assert.ok(reached.has(one), one);
  await mine.locator('[data-action="poll"]').first().focus();
  await tickMoves(mine);
  assert.equal(await mine.evaluate(() => document.activeElement.dataset.action), "poll");
  await mine.context().close();
});

test("without the stream it polls", async () => {
  const mine = await open();
  await mine.context().route("**/api/v1/stream", (route) => route.abort());
  await mine.reload();
  await mine.waitForFunction(() => document.getElementById("link").dataset.state === "polling", null, { timeout: 15_000 });
  await tickMoves(mine);
  await mine.context().close();
});

const WORDS = { ko: "루프 하나가 돌고 있습니다", en: "One loop is running" };

test("both languages, both schemes, both widths, and nothing serious for axe", async () => {
  for (const [language, locale] of [["ko", "ko-KR"], ["en", "en-GB"]]) {
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [360, 1280]) {
        const name = `${language}-${colorScheme}-${width}`;
        const mine = await open({ locale, colorScheme, viewport: { width, height: width === 360 ? 740 : 900 } }, `/#token=${stage.token()}`);
        await mine.locator("article.watch tr.fresh").first().waitFor();
        await mine.locator("#events li").first().waitFor();
        assert.equal(await mine.locator("#headline").textContent(), WORDS[language], name);
        assert.ok(await mine.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}: wider than the screen`);
        assert.ok(await mine.evaluate(() => {
          const canvas = document.getElementById("latency");
          return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte);
        }), `${name}: an empty chart`);
        // Through the debugger, which the policy of the page does not bind.
        await mine.evaluate(axe);
        const { violations } = await mine.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
        const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
        assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), [], name);
        const shot = join(output, `${name}.png`);
        await mine.screenshot({ path: shot });
        assert.ok(statSync(shot).size > 10_000);
        await mine.context().close();
      }
    }
  }
});

test("no error, and nothing is asked elsewhere", () => {
  assert.deepEqual(problems, []);
});
