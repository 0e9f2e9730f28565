// As stamp.c, for tools that run a JavaScript program only: `node --watch` watches what the program
// itself has loaded. Whether another one still lived is not looked at: Node has no flock(2).
const now = process.hrtime.bigint(); // CLOCK_MONOTONIC
const fs = require("fs");
const path = require("path");

const record = `${String(now).padStart(20, "0")} ${String(process.pid).padStart(10, "0")} 0\n`;
fs.appendFileSync(process.env.ONELOOP_BENCH_STAMPS, record);
for (const directory of fs.readdirSync(".").filter((name) => /^d\d+$/.test(name))) {
  for (const file of fs.readdirSync(directory)) require(path.resolve(directory, file));
}
setInterval(() => {}, 1 << 30);
