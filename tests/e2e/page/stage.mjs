// The stage of page_test.mjs: cinema, supervisor, worker and browser, each the real one, and their end.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { chromium } from "playwright-core";

const LIMIT = 20_000;

export async function until(what, look) {
  const end = Date.now() + LIMIT;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`no ${what} within ${LIMIT} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

const config = (server) => `
version = 1
job = "megabox"
state = "megabox.db"
[log]
format = "logfmt"
[preset.megabox]
server = "${server}"
[[watch]]
id = "daegu"
name = "대구신세계 · 별의 아이"
every = "1s"
dates = { next = 2 }
where = [ { field = "title", contains = "별의 아이" } ]
channels = ["mail", "telephone"]
source = { preset = "megabox", branch = "7011" }
[[watch]]
id = "coex"
name = "코엑스 · 돌비 시네마"
every = "2s"
dates = { next = 2 }
where = [ { field = "hall_kind", equals = "DBC" } ]
source = { preset = "megabox", branch = "1351" }
[[channel]]
id = "mail"
kind = "exec"
command = ["/bin/true"]
[[channel]]
id = "telephone"
kind = "exec"
command = ["/bin/sh", "-c", "kill -9 $$"]
on_uncertain = "ask"
`;

export async function raise({ supervisor, worker, simulator, output }) {
  const place = mkdtempSync(join(tmpdir(), "oneloop-page-"));
  mkdirSync(output, { recursive: true });
  const cinema = spawn("/usr/bin/python3", ["-B", simulator, "--port", "0", "--seed", "0", "--mode", "closed", "--exit-with-stdin"], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await once(cinema.stdout, "data");
  const server = /http:\/\/[\d.:]+/.exec(String(line))[0];
  writeFileSync(join(place, "oneloop.toml"), config(server));

  const port = await freePort();
  const log = join(output, "supervisor.log");
  const file = openSync(log, "w");
  const environment = { ...process.env, XDG_RUNTIME_DIR: place, HOME: place, TMPDIR: place };
  const instance = join(place, "instance");
  const loop = spawn(supervisor, ["--state-dir", instance, "--socket", `http=127.0.0.1:${port}`, "--watch", "oneloop.toml", "--", worker, "--config", "oneloop.toml"],
    { cwd: place, env: environment, stdio: ["ignore", file, file] });
  const origin = `http://127.0.0.1:${port}`;
  const ask = async (path) => (await fetch(origin + path)).json();
  await until("worker", async () => {
    if (loop.exitCode !== null) throw new Error(readFileSync(log, "utf8"));
    return readFileSync(log, "utf8").includes("serving http") && (await ask("/api/v1/leader")).self;
  });

  // Debian's chromium writes to HOME in spite of its own profile; and nothing may be asked elsewhere.
  const browser = await chromium.launch({
    executablePath: process.env.ONELOOP_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"],
    env: { ...environment, XDG_CONFIG_HOME: place, XDG_CACHE_HOME: place },
  });

  return {
    origin, ask, browser, place, output,
    token: () => readFileSync(join(place, "megabox.db.token"), "utf8").trim(),
    async cinema(mode) {
      const reply = await fetch(`${server}/_simulator`, { method: "POST", body: JSON.stringify({ mode }) });
      if (!reply.ok) throw new Error(await reply.text());
    },
    /** Who starts the same a second time, by hand; the code that it ends with. */
    async second() {
      const other = spawn(worker, ["--standalone", "--config", "oneloop.toml"], { cwd: place, env: environment, stdio: ["ignore", file, file] });
      const [code] = await once(other, "exit");
      return code;
    },
    /** The same again under another supervisor, which waits until it is ended. */
    async rival() {
      const other = spawn(supervisor, ["--state-dir", join(place, "other"), "--socket", "http=127.0.0.1:0", "--", worker, "--config", "oneloop.toml"],
        { cwd: place, env: environment, stdio: ["ignore", file, file] });
      return async () => { other.kill("SIGTERM"); await once(other, "exit"); };
    },
    /** A save of the configuration: the supervisor puts the next worker in this one's place. */
    reload(mark) {
      writeFileSync(join(place, "oneloop.toml"), `${config(server)}# ${mark}\n`);
    },
    async fall() {
      await browser.close();
      loop.kill("SIGTERM");
      if (loop.exitCode === null && loop.signalCode === null) await once(loop, "exit");
      cinema.stdin.end();
      if (cinema.exitCode === null) await once(cinema, "exit");
      rmSync(place, { recursive: true, force: true });
    },
  };
}

/** How a program calls itself, for the log. */
export const version = (program) => execFileSync(program, ["--version"], { encoding: "utf8" }).trim();
