// Lays out the repository of the plugin, as the list of community plugins asks for it:
//
//     npm ci && npm run build && node layout.mjs FOLDER
//
// FOLDER/repository is what to push: manifest.json and versions.json at its root, README, LICENSE and the sources.
// FOLDER/release-VERSION holds the assets of the release whose tag is VERSION. Nothing is uploaded.

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PARTS = ["manifest.json", "versions.json", "styles.css", "package.json", "package-lock.json"];
const SOURCES = ["tsconfig.json", "eslint.config.mjs", "src"];
const ASSETS = ["main.js", "manifest.json", "styles.css"];
const PICTURE = /\.\.\/\.\.\/docs\/(images\/[\w-]+\.png)/g;
const VERSION = /^\d+\.\d+\.\d+$/;

/** Return what the rules of the list refuse, a sentence each. */
export function findFaults(manifest, versions, packageVersion) {
  const { id = "", name = "", version = "", minAppVersion = "", description = "", author = "", isDesktopOnly } = manifest;
  const faults = {
    "id: only lower-case letters, digits and hyphens": !/^[a-z0-9-]+$/.test(id),
    "id: must not contain “obsidian”, or end with “plugin”": /obsidian|plugin$/.test(id),
    "name: must not contain “Obsidian”, or “plugin”": !name || /obsidian|plugin/i.test(name),
    "version: three numbers": !VERSION.test(version),
    "version: not that of package.json": version !== packageVersion,
    "minAppVersion: three numbers": !VERSION.test(minAppVersion),
    "versions.json: the version must be a key, with minAppVersion": versions[version] !== minAppVersion,
    "versions.json: all versions have three numbers": !Object.entries(versions).flat().every((text) => VERSION.test(text)),
    "description: at most 250 characters, and a full stop at its end": !/^\S[^]{0,248}\.$/.test(description),
    "description: must not say “Obsidian” or “This is a plugin”": /obsidian|this (is a )?plugin/i.test(description),
    "author: is missing": !author,
    "isDesktopOnly: must be true, because the plugin starts programs": isDesktopOnly !== true,
  };
  return Object.keys(faults).filter((fault) => faults[fault]);
}

function layOut(source, target) {
  const read = (name) => JSON.parse(readFileSync(join(source, name), "utf8"));
  const manifest = read("manifest.json");
  const faults = findFaults(manifest, read("versions.json"), read("package.json").version);
  if (!existsSync(join(source, "main.js"))) faults.push("main.js is missing: run `npm run build`");
  if (existsSync(target)) faults.push(`${target} exists: name a new folder`);
  if (faults.length) throw new Error(faults.join("\n"));
  const [repository, release] = [join(target, "repository"), join(target, `release-${manifest.version}`)];
  for (const folder of [repository, release]) mkdirSync(folder, { recursive: true });
  for (const name of [...PARTS, ...SOURCES]) cpSync(join(source, name), join(repository, name), { recursive: true });
  const project = join(source, "..", "..");
  cpSync(join(project, "LICENSE"), join(repository, "LICENSE"));
  const readme = readFileSync(join(source, "README.md"), "utf8").replace(PICTURE, (path, name) => {
    cpSync(join(source, path), join(repository, name));
    return name;
  });
  writeFileSync(join(repository, "README.md"), readme);
  for (const name of ASSETS) cpSync(join(source, name), join(release, name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    layOut(dirname(fileURLToPath(import.meta.url)), process.argv[2] ?? "build");
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
