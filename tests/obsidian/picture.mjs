// Takes the pictures of the pane in docs/images: `tools/screenshots.sh` runs it with Chromium, the program, a vault, the folder of the
// built plugin and that of the pictures. Only the API of Obsidian is a stub, in app.js.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { setUp } from "./bridge.mjs";

const [browserProgram, program, vault, plugin, folder] = process.argv.slice(2);
const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const browser = await chromium.launch({ executablePath: browserProgram });
for (const theme of ["light", "dark"]) {
  const page = await browser.newPage({ viewport: { width: 1000, height: 560 }, colorScheme: theme });
  await setUp(page);
  await page.goto("about:blank");
  await page.setContent(`<!doctype html><style>${read("app.css")}${readFileSync(join(plugin, "styles.css"), "utf8")}</style>
    <body class="theme-${theme}"><main id="main"></main><aside id="side"></aside><footer id="status-bar"></footer>
    <div id="settings" hidden></div><div id="notices"></div>`);
  await page.evaluate((code) => (window.pluginCode = code), readFileSync(join(plugin, "main.js"), "utf8"));
  await page.addScriptTag({ content: read("app.js") });
  await page.evaluate(([root, command]) => window.startApp(root, command), [vault, program]);
  await page.evaluate(() => window.app.open("tide_tables_and_the_first_analog_computers.md"));
  await page.evaluate(() => window.app.run("show"));
  await page.waitForSelector(".vaultlink-title", { timeout: 60_000 });
  await page.screenshot({ path: `${folder}/obsidian-pane-${theme}.png` });
  if (theme === "light") {
    await page.evaluate(() => window.app.run("fix"));
    await page.waitForSelector(".vaultlink-diff", { timeout: 60_000 });
    await page.screenshot({ path: `${folder}/obsidian-fix.png` });
  }
  await page.evaluate(() => window.app.plugin.onunload());
  await page.close();
}
await browser.close();
