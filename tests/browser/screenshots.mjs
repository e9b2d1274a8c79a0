// Takes the pictures of a report in docs/images: `tools/screenshots.sh` runs it with Chromium, a page and the folder.

import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [program, file, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: program });
for (const scheme of ["light", "dark"]) {
  const page = await browser.newPage({ viewport: { width: 1200, height: 860 }, colorScheme: scheme });
  await page.goto(pathToFileURL(file).href);
  await page.evaluate("window.vaultGraph.ready");
  await page.waitForTimeout(1000); // the graph becomes sharp
  const end = await page.evaluate("document.querySelector('.graph').getBoundingClientRect().bottom");
  await page.screenshot({ path: `${folder}/report-${scheme}.png`, clip: { x: 0, y: 0, width: 1200, height: end }, fullPage: true });
  if (scheme === "dark") continue;
  await page.evaluate("document.querySelector('#fixes').scrollIntoView()");
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${folder}/report-fixes.png` });
}
await browser.close();
