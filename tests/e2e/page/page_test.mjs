// The worker's page in a real browser, with the real supervisor and worker behind it.
//
//   node --test page_test.mjs      with SUPERVISOR, WORKER, SIMULATOR and OUTPUT in the environment
//
// One browser and few visitors for all of it, since a new one costs more than what it looks at.
// Screenshots of the whole page are left in OUTPUT.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { raise, until } from "./stage.mjs";
import { complaints, grows, heard, misfits, number, problems, visit } from "./visitor.mjs";

const { SUPERVISOR: supervisor, WORKER: worker, SIMULATOR: simulator, OUTPUT: output } = process.env;

let stage;
let page; // of a person without the token, from the first test to the last
let mine; // of one who has it, and wants notifications and sound
let alone; // of one who gets no stream

const silence = async (subject) => { const { notifications, tones } = await heard(subject); return [notifications, tones]; };
const pressed = (action) => mine.locator(`[data-action="${action}"]`).getAttribute("aria-pressed");

before(async () => {
  stage = await raise({ supervisor, worker, simulator, output });
  page = await visit(stage);
  mine = await visit(stage, { path: `/#token=${stage.token()}`, permissions: ["notifications"] });
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
  await grows(page, "tick");
  const leader = await stage.ask("/api/v1/leader");
  assert.equal(await number(page, "pid"), leader.pid);
  assert.equal(await number(page, "generation"), leader.generation);
  assert.equal(await number(page, "epoch"), leader.epoch);
  assert.equal(await page.locator("#headline").textContent(), "One loop is running");
  assert.equal(await page.locator("#link").getAttribute("data-state"), "live");
});

test("notification and sound are off until somebody wants them, and that is remembered", async () => {
  for (const action of ["notify", "sound"]) {
    assert.equal(await pressed(action), "false", action);
    await mine.locator(`[data-action="${action}"]`).click();
    // The browser is asked first, and answers when it likes.
    await mine.locator(`[data-action="${action}"][aria-pressed="true"]`).waitFor();
  }
  const { tones, notifications } = await heard(mine);
  assert.deepEqual([tones, notifications], [["running", "running", "running"], []], "a taste of the sound, and no more");
  await mine.reload();
  await mine.locator("article.watch").first().waitFor();
  assert.deepEqual([await pressed("notify"), await pressed("sound")], ["true", "true"]);
  await mine.locator("#headline").click();
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

test("an opening is shown and heard by who asked for it, and by nobody else", async () => {
  await mine.waitForFunction(() => window.heard.notifications.length && window.heard.tones.length);
  const { notifications, tones } = await heard(mine);
  assert.match(notifications[0].title, /^Opened: 별의 아이/);
  assert.ok(notifications[0].body);
  assert.ok(tones.every((state) => state === "running"), `tones that nobody hears: ${tones}`);
  // The same event on the page that asked for nothing, which has announced it already.
  assert.deepEqual(await silence(page), [[], []]);
});

test("control: an event that was there before is neither shown nor heard", async () => {
  // The other watch's opening too must have been before: it is polled every two seconds only.
  await mine.locator("article.watch", { hasText: "코엑스" }).locator("tr.fresh").first().waitFor();
  await mine.reload();
  await mine.locator("#events li .kind.opened").first().waitFor();
  await mine.locator("#headline").click();
  await grows(mine, "tick");
  assert.equal(await mine.locator("#link").getAttribute("data-state"), "live");
  assert.deepEqual([await pressed("notify"), await pressed("sound")], ["true", "true"]);
  assert.deepEqual(await silence(mine), [[], []]);
});

test("without the token there are no buttons that change anything", async () => {
  for (const action of ["poll", "pause", "mute", "test", "resend", "skip"])
    assert.equal(await page.locator(`[data-action="${action}"]`).count(), 0, action);
});

test("a reload of the worker goes unnoticed", async () => {
  await page.evaluate(() => window.links.clear());
  const moved = grows(page, "generation");
  stage.reload("second");
  await moved;
  await grows(page, "tick");
  assert.equal(await page.evaluate(() => window.mark), "the same page");
  assert.deepEqual(await page.evaluate(() => [...window.links].filter((state) => state !== "live")), []);
  assert.ok(await page.locator("article.watch tbody tr").count() > 0);
});

test("a second start is refused and counted at once; who waits is named, and gone when it ends", async () => {
  let counted = grows(page, "prevented");
  assert.equal(await stage.second(), 75);
  await counted;
  assert.equal(await page.locator("#standbys").count(), 0);
  counted = grows(page, "prevented");
  const end = await stage.rival();
  await counted;
  await page.locator("#standbys").waitFor();
  const [waiting] = (await stage.ask("/api/v1/leader")).standbys;
  assert.equal(await number(page, "standbys"), waiting.pid);
  assert.match(await page.locator("#standbys").getAttribute("title"), /takes over when this loop ends/);
  await end();
  await page.locator("#standbys").waitFor({ state: "detached" });
});

test("\"not open yet\" is said of a source that answered, and of no other", async () => {
  const said = async (state) => {
    const visitor = await visit(stage, { prepare: async (context) => {
      await context.route("**/items?match=1", (route) => route.fulfill({ json: { items: [] } }));
      await context.route("**/api/v1/watches", async (route) => {
        const response = await route.fetch();
        const json = await response.json();
        for (const watch of json.items) Object.assign(watch, { source: { ...watch.source, state }, counts: { ...watch.counts, items: 0 } });
        await route.fulfill({ response, json });
      });
    } });
    const words = await visitor.locator("article.watch .closed").allTextContents();
    await visitor.context().close();
    return words;
  };
  for (const state of ["blocked", "shape", "down", "starting"]) assert.deepEqual(await said(state), [], state);
  assert.deepEqual(await said("ok"), ["Not open yet", "Not open yet"]);
});

test("with the token the buttons work", async () => {
  assert.equal(mine.url(), `${stage.origin}/`, "the token is not left in the address");

  // Right after a poll it is refused; then it says which one it will be.
  const accepted = await until("poll that is accepted", async () => {
    const polled = mine.waitForResponse((reply) => reply.url().endsWith("/coex/poll"));
    await mine.locator('[data-action="poll"][data-id="coex"]').click();
    assert.ok([202, 429].includes((await polled).status()));
    return (await polled).status() === 202 && (await polled).json();
  });
  await mine.locator("#toast.shown", { hasText: `it is poll #${accepted.tick_seq}` }).waitFor();
  await until("this poll", async () => (await stage.ask("/api/v1/watches/coex")).tick_seq >= accepted.tick_seq);

  const card = mine.locator("article.watch").first();
  await card.locator("summary").click();
  await card.locator('[data-action="mute"]').first().click();
  await card.locator('[data-action="unmute"]').click();
  await card.locator("summary").waitFor();
  assert.equal((await stage.ask("/api/v1/watches/daegu")).muted_until, null);

  await card.locator('[data-action="pause"]').click();
  await page.locator("article.watch .paused", { hasText: "Paused since" }).waitFor();
  // Each visitor is told on its own: what the other shows says nothing yet about this one.
  await card.locator('[data-action="resume"]').waitFor();
  assert.equal(await card.locator('[data-action="poll"]').count(), 0);
  const { tick_seq: stood } = await stage.ask("/api/v1/watches/daegu");
  await card.locator('[data-action="resume"]').click();
  await page.locator("article.watch .paused").waitFor({ state: "detached" });
  await until("tick", async () => (await stage.ask("/api/v1/watches/daegu")).tick_seq > stood);

  await mine.locator('[data-action="test"][data-id="mail"]').click();
  await mine.locator("#channels .badge.sent").waitFor();
  await mine.locator('[data-action="test"][data-id="telephone"]').click();
  await mine.locator("#channels .badge.dead").waitFor();

  // What one sees who opens the page while a message needs a decision: the picture of README.md.
  await mine.locator("#toast.shown").waitFor({ state: "detached", timeout: 10_000 });
  await mine.waitForFunction(() => document.getElementById("left-over").textContent !== "now");
  await mine.evaluate(() => scrollTo(0, 0));
  await mine.screenshot({ path: join(output, "needs-you.png") });

  // Sent again it is uncertain once more, since this receiver never answers; and then it is let be.
  const [first] = (await stage.ask("/api/v1/deliveries?state=uncertain")).items;
  await mine.locator(`[data-action="resend"][data-id="${first.id}"]`).click();
  await until("second try", async () =>
    (await stage.ask("/api/v1/deliveries?state=uncertain")).items.some((one) => one.id === first.id && one.attempt > first.attempt));
  await mine.locator(`[data-action="skip"][data-id="${first.id}"]`).click();
  await page.locator(`#urgent [data-key="${first.id}"]`).waitFor({ state: "detached" });
});

test("the keyboard reaches everything, and a tick takes the focus from nobody", async () => {
  await mine.reload();
  await mine.locator('[data-action="poll"]').first().waitFor();
  await mine.keyboard.press("Tab");
  assert.equal(await mine.evaluate(() => document.activeElement.id), "skip");
  const wanted = new Set(["notify", "sound", "theme", "token", "language", "poll", "test", "SUMMARY", "A"]);
  for (let i = 0; i < 60 && wanted.size; i++) {
    await mine.keyboard.press("Tab");
    wanted.delete(await mine.evaluate(() => document.activeElement.dataset.action ?? document.activeElement.tagName));
  }
  assert.deepEqual([...wanted], []);
  await mine.locator('[data-action="poll"]').first().focus();
  await grows(mine, "tick");
  assert.equal(await mine.evaluate(() => document.activeElement.dataset.action), "poll");
});

test("sound waits for the first touch of a page, before which a browser plays none, and says so", async () => {
  alone = await visit(stage, { prepare: async (context) => {
    await context.addInitScript(() => localStorage.setItem("oneloop.sound", "on"));
    await context.route("**/api/v1/stream", (route) => route.abort());
  } });
  await alone.locator("#headline").click();
  await alone.locator('[data-action="sound"][title="Sound on"]').waitFor();
  assert.match((await heard(alone)).labels[0], /once you have clicked/);
});

test("without the stream it polls; control: without anything it does not follow", async () => {
  await alone.waitForFunction(() => document.getElementById("link").dataset.state === "polling", null, { timeout: 15_000 });
  await grows(alone, "tick");
  await alone.context().route("**/api/**", (route) => route.abort());
  const before = await number(alone, "tick");
  await grows(page, "tick");
  await grows(page, "tick");
  assert.equal(await number(alone, "tick"), before);
  await alone.context().close();
});

// The charts follow a change of width in one of the next frames.
async function settled(subject) {
  const limit = Date.now() + 5_000;
  for (;;) {
    const found = await misfits(subject);
    if (!found.length || Date.now() > limit) return found;
    await subject.evaluate(() => new Promise(requestAnimationFrame));
  }
}

const WORDS = { ko: "루프 하나가 돌고 있습니다", en: "One loop is running" };

test("both languages, both schemes, both widths, and nothing serious for axe", async () => {
  await page.context().close();
  const korean = await visit(stage, { path: `/#token=${stage.token()}`, locale: "ko-KR" });
  for (const [language, subject] of [["en", mine], ["ko", korean]]) {
    await subject.locator("article.watch tr.fresh").first().waitFor();
    await subject.locator("#events li").first().waitFor();
    for (const colorScheme of ["light", "dark"]) {
      await subject.emulateMedia({ colorScheme });
      for (const width of [1280, 360]) {
        const name = `${language}-${colorScheme}-${width}`;
        await subject.setViewportSize({ width, height: width === 360 ? 740 : 900 });
        assert.equal(await subject.locator("#headline").textContent(), WORDS[language], name);
        assert.deepEqual(await settled(subject), [], name);
        assert.ok(await subject.evaluate(() => {
          const canvas = document.getElementById("latency");
          const { width, height } = canvas;
          return canvas.toDataURL() !== Object.assign(document.createElement("canvas"), { width, height }).toDataURL();
        }), `${name}: an empty chart`);
        const shot = join(output, `${name}.png`);
        await subject.screenshot({ path: shot, fullPage: true });
        assert.ok(statSync(shot).size > 10_000);
      }
      assert.deepEqual(await complaints(subject), [], `${language}-${colorScheme}`);
    }
  }
  await korean.context().close();
});

test("control: what is too wide, cut off or hard to read is seen", async () => {
  await mine.evaluate(() => {
    document.getElementById("headline").style.minWidth = "500px";
    const cut = document.querySelector("article.watch h3");
    Object.assign(cut.style, { maxWidth: "20px", overflow: "hidden", whiteSpace: "nowrap", color: "#888", background: "#777" });
  });
  const found = (await misfits(mine)).join("\n");
  assert.match(found, /headline/);
  assert.match(found, /<h3/);
  assert.match((await complaints(mine)).join("\n"), /color-contrast/);
});

test("a wrong token is told to be one", async () => {
  await mine.locator('[data-action="token"]').click();
  await mine.locator("#token-input").fill("wrong");
  await mine.locator("#token-save").click();
  await mine.locator("#token-wrong", { hasText: "not the token" }).waitFor();
});

test("no error, and nothing is asked elsewhere", () => {
  assert.deepEqual(problems, []);
});
