// Gives a page in Chromium what the app gives a plugin of Node: real processes, and the files of a vault.
//
// `driver.mjs` imports it and calls `setUp` for each page before it is loaded. Only the API of Obsidian is a stub, in app.js.

import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { watch } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

async function listFiles(root) {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  return found.filter((item) => item.isFile()).map((item) => join(item.parentPath ?? item.path, item.name).slice(root.length + 1));
}

export async function setUp(page) {
  const children = new Map();
  let told = Promise.resolve();
  const tell = (kind, ...details) => {
    told = told.then(() => page.evaluate(([name, rest]) => window.host.hear(name, ...rest), [kind, details])).catch(() => {});
  };
  await page.addInitScript(
    ([home, tmp, platform, env]) => {
      window.host = { home, tmp, platform, env };
    },
    [process.env.HOME ?? homedir(), tmpdir(), process.platform, { PATH: process.env.PATH }],
  );
  const functions = {
    spawn(id, command, words, { cwd, env, shell }) {
      const child = spawn(command, words, { cwd, env: { ...process.env, ...env }, shell, stdio: ["ignore", "pipe", "pipe"] });
      children.set(id, child);
      for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => tell(name, id, text));
      child.on("error", ({ message, code }) => tell("error", id, { message, code }));
      child.on("exit", (code, signal) => tell("exit", id, code, signal));
      child.on("close", (code, signal) => tell("close", id, code, signal));
      return child.pid ?? null;
    },
    kill: (id, signal) => children.get(id)?.kill(signal ?? undefined),
    read: (path) => readFile(path, "utf8"),
    write: (path, text) => writeFile(path, text),
    mkdtemp,
    rm,
    async follow(root) {
      const listing = async () => tell("files", await listFiles(root));
      const watcher = watch(root, { recursive: true }, listing);
      page.on("close", () => watcher.close());
      return listFiles(root);
    },
  };
  for (const [name, answer] of Object.entries(functions)) {
    await page.exposeFunction(`host_${name}`, async (...words) => (await answer(...words)) ?? null);
  }
  page.on("close", () => children.forEach((child) => child.kill("SIGKILL")));
}
