// The part of the plugin that starts processes, in Node with the real program. `node --test` runs it; the variables VAULT,
// VAULTLINK and FAKES name a vault, the program, and a folder for programs that are none.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

globalThis.window = globalThis;
const { Program, MIN_VERSION } = await import("./program.mjs");
const { count, findIndex, showText, summarize } = await import("./texts.mjs");
const { VAULT, VAULTLINK, FAKES } = process.env;

function makeProgram(command, vault = VAULT) {
  const told = { problems: [], figures: [] };
  const program = new Program(
    command,
    vault,
    (problem, isFinal) => told.problems.push([problem, isFinal]),
    (figures) => told.figures.push(figures),
  );
  return { program, told };
}

function writeScript(name, text) {
  const path = join(FAKES, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

async function until(condition) {
  for (const end = Date.now() + 40_000; !condition(); ) {
    assert.ok(Date.now() < end, `in time: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("the program is checked", async () => {
  await makeProgram(VAULTLINK).program.check();
  const say = (command) => makeProgram(command).program.check().then(() => "", ({ message }) => message);
  assert.match(await say("/no/such/vaultlink"), /^The program “\/no\/such\/vaultlink” is not installed, or not where this plugin looks\./);
  assert.match(await say(writeScript("old", "echo vaultlink 0.5.9")), new RegExp(`^vaultlink 0\\.5\\.9 is too old: this plugin needs ${MIN_VERSION}`));
  assert.equal(await say(writeScript("new", "echo vaultlink 0.10.0.dev0")), "");
  assert.match(await say(writeScript("bad", "echo broken >&2; exit 3")), /does not work as vaultlink: broken\. Check its path/);
  assert.match(await say(writeScript("other", "echo ripgrep 14.1.0")), /does not work as vaultlink: ripgrep 14\.1\.0\./);
});

test("a watcher without figures is too old", async () => {
  const { program, told } = makeProgram(writeScript("older", `[ "$1" = watch ] && echo '{"event":"state","version":"0.5.0","summary":{}}'; exec sleep 60`));
  program.follow();
  await until(() => told.problems.length);
  program.stop();
  assert.match(told.problems[0][0], /^vaultlink 0\.5\.0 is too old/);
});

test("words reach the program as they are", async () => {
  const log = join(FAKES, "words");
  const { program } = makeProgram(writeScript("words-of", `printf '%s\\n' "$@" "in $PWD" > ${log}`));
  const words = ["--", "$(touch /tmp/x); `id` | \"'&.md", "-rf *"];
  await program.run("unresolved", words);
  const home = execFileSync("sh", ["-c", 'cd "$HOME" && pwd -P'], { encoding: "utf8" });
  assert.equal(readFileSync(log, "utf8"), ["unresolved", "--vault", VAULT, ...words, `in ${home}`].join("\n"));
});

test("no program and no code is looked for in the vault", async (context) => {
  const [bin, link, log] = [join(VAULT, "bin"), join(FAKES, "link"), join(FAKES, "environment")];
  mkdirSync(bin);
  symlinkSync(bin, link);
  context.after(() => rmSync(bin, { recursive: true }));
  writeFileSync(join(bin, "planted"), "#!/bin/sh\necho vaultlink 9.0.0\n", { mode: 0o755 });
  writeScript("outside", `echo "$PYTHONPATH|$PYTHONHOME|$PATH" > ${log}; echo vaultlink 9.0.0`);
  const kept = { ...process.env };
  context.after(() => Object.assign(process.env, kept, { PYTHONPATH: "", PYTHONHOME: "" }));
  Object.assign(process.env, { PATH: `${bin}:${link}:.::${FAKES}:${kept.PATH}`, PYTHONPATH: VAULT, PYTHONHOME: VAULT });
  await assert.rejects(makeProgram("planted").program.check(), /“planted” is not installed/);
  await makeProgram("outside").program.check();
  const [path, home, folders] = readFileSync(log, "utf8").trim().split("|");
  assert.deepEqual([path, home, folders.split(":")[0]], ["", "", FAKES]);
});

test("a watcher that prints what is no event is ended, and its figures are kept", async () => {
  const line = (mistakes) => `echo '{"event":"changed","summary":{"mistakes":${mistakes},"planned":2}}'`;
  const { program, told } = makeProgram(writeScript("wordy", `[ "$1" = watch ] && { ${line(1)}; echo oops; echo null; ${line(3)}; }; exec sleep 60`));
  program.follow();
  await until(() => told.problems.length);
  program.stop();
  assert.deepEqual(told.problems, [["The watcher ended (it printed “oops”). It starts again.", false]]);
  assert.ok(told.figures.length > 0);
});

test("a watcher that dies starts again, three times at most", async (context) => {
  const log = join(FAKES, "starts");
  const { program, told } = makeProgram(writeScript("dying", `[ "$1" = watch ] && echo x >> ${log}; exit 5`));
  context.mock.method(window, "setTimeout", (action) => setImmediate(action));
  program.follow();
  await new Promise((resolve) => {
    const look = () => (told.problems.some(([, isFinal]) => isFinal) ? resolve() : setImmediate(look));
    look();
  });
  program.stop();
  assert.equal(readFileSync(log, "utf8"), "x\n".repeat(4));
  assert.deepEqual(
    told.problems.map(([, isFinal]) => isFinal),
    [false, false, false, true],
  );
  assert.match(told.problems[3][0], /^The watcher ended: exit code 5\. The command “Start watching again” starts it\.$/);
});

test("a usage error ends the watcher with the words of the program", async () => {
  const { program, told } = makeProgram(VAULTLINK, "/no/such/vault");
  program.follow();
  await until(() => told.problems.length);
  assert.match(told.problems[0][0], /no\/such\/vault/);
  assert.equal(told.problems[0][1], true);
});

test("a run that writes is not ended", async () => {
  const done = join(FAKES, "done");
  const { program } = makeProgram(writeScript("writing", `sleep 0.3; touch ${done}`));
  const [read, written] = [program.run("status").catch((error) => error.message), program.run("fix", [], true)];
  program.stop();
  assert.match(await read, /^vaultlink status was ended, as the plugin was, or was started again\.$/);
  await written;
  assert.ok(existsSync(done));
});

test("texts", () => {
  assert.equal(showText("a\u202eb\u0000\n<b>\u200d"), "a\\u{202e}b\\u{0}\\u{a}<b>\u200d");
  assert.deepEqual([count(1, "mistake"), count(2000, "mistake")], ["1 mistake", "2,000 mistakes"]);
  assert.equal(summarize("Fixed 2 findings.\nFound 1 error."), "Fixed 2 findings.");
  assert.equal(summarize("a.md: skipped: it is read-only.\nb.md: skipped: x.\nFixed 2.\n"), "Fixed 2. Skipped 2 notes: a.md: it is read-only. …");
  assert.deepEqual([summarize("a.md: skipped: x.\n"), summarize("")], ["Skipped 1 note: a.md: x.", ""]);
  assert.equal(findIndex("a😀[[b]]", 3), 3);
  assert.equal(findIndex("short", 40), 5);
});
