// Drives the installed Chromium for tests/browsing.py: reads one JSON command a line, and answers with one line.
//
// A command is {"page": number, "do": name, ...arguments}. The answer is {"value": …} or {"error": text}.
// `open` answers with the number of a new page. No name is resolved, so nothing leaves the machine.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const setUp = process.argv[3] && (await import(process.argv[3])).setUp; // lends a page more than the web has
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
  executablePath: process.argv[2],
  args: ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--disable-dev-shm-usage"],
});
const pages = [];

const commands = {
  // Opens an address. Scripts of tests run in a world of their own, so that the page's policy does not stop them.
  async open(_, { address, width, height, scheme, scripting, touch }) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      javaScriptEnabled: scripting,
      hasTouch: touch,
    });
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    const seen = { console: [], errors: [], requests: [], failures: [], dialogs: 0 };
    page.on("console", (message) => seen.console.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => seen.errors.push(String(error)));
    page.on("request", (request) => seen.requests.push(request.url()));
    page.on("requestfailed", (request) => seen.failures.push(`${request.failure().errorText} ${request.url()}`));
    page.on("dialog", (dialog) => {
      seen.dialogs += 1;
      dialog.dismiss();
    });
    await setUp?.(page);
    await page.goto(address);
    return pages.push({ page, seen, context }) - 1;
  },
  seen: ({ seen }) => seen,
  close: ({ context }) => context.close(),
  evaluate: ({ page }, { script, argument }) => page.evaluate(`(${script})(${JSON.stringify(argument ?? null)})`),
  wait: ({ page }, { script }) => page.waitForFunction(script).then(() => true),
  click: ({ page }, { selector }) => page.click(selector),
  fill: ({ page }, { selector, text }) => page.fill(selector, text),
  press: ({ page }, { key }) => page.keyboard.press(key),
  move: ({ page }, { x, y }) => page.mouse.move(x, y),
  press_at: ({ page }, { x, y }) => page.mouse.click(x, y),
  scroll_at: async ({ page }, { x, y, by }) => {
    await page.mouse.move(x, y);
    await page.mouse.wheel(0, by);
  },
  media: ({ page }, { media, scheme }) => page.emulateMedia({ media, colorScheme: scheme }),
  resize: ({ page }, { width, height }) => page.setViewportSize({ width, height }),
  picture: async ({ page }, { file, selector }) => {
    await (selector ? page.locator(selector) : page).screenshot({ path: file });
  },
  print: async ({ page }) => (await page.pdf({ format: "A4" })).toString("latin1"),
  // Runs axe-core, with all its rules unless some are named.
  axe: async ({ page }, { rules }) => {
    await page.evaluate(AXE);
    const options = { resultTypes: ["violations"], ...(rules && { runOnly: rules }) };
    const { violations } = await page.evaluate(`axe.run(${JSON.stringify(options)})`);
    return violations.map(({ id, impact, nodes }) => ({ id, impact, targets: nodes.map((node) => node.target.join(" ")) }));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, page, ...rest } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await commands[name](pages[page], rest)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
