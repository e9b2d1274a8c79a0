// Times requests to VS Code's Markdown service, which is a library: node markdown_service.mjs MODULES VAULT < places.json
// Standard input is a JSON list of [path, line, column]. Prints one JSON object: the seconds by request.
import { createRequire } from "node:module";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, root] = process.argv.slice(2);
const find = createRequire(join(modules, "x.js"));
const service = await import(pathToFileURL(find.resolve("vscode-markdown-languageservice")));
const MarkdownIt = find("markdown-it");
const { TextDocument } = find("vscode-languageserver-textdocument");
const { URI } = find("vscode-uri");

const documents = new Map();
function load(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!entry.name.startsWith(".")) load(path);
    } else if (entry.name.endsWith(".md")) {
      const uri = URI.file(path).toString();
      documents.set(uri, TextDocument.create(uri, "markdown", 1, readFileSync(path, "utf-8")));
    }
  }
}

const start = performance.now();
load(root);
const nothing = () => ({ dispose() {} });
const stat = (uri) => {
  try {
    return { isDirectory: statSync(uri.fsPath).isDirectory() };
  } catch {
    return undefined;
  }
};
const engine = new MarkdownIt({ html: true });
const token = { isCancellationRequested: false, onCancellationRequested: nothing };
const server = service.createLanguageService({
  workspace: {
    workspaceFolders: [URI.file(root)],
    onDidChangeMarkdownDocument: nothing,
    onDidCreateMarkdownDocument: nothing,
    onDidDeleteMarkdownDocument: nothing,
    getAllMarkdownDocuments: async () => documents.values(),
    hasMarkdownDocument: (uri) => documents.has(uri.toString()),
    openMarkdownDocument: async (uri) => documents.get(uri.toString()),
    stat: async (uri) => stat(uri),
    readDirectory: async (uri) =>
      readdirSync(uri.fsPath, { withFileTypes: true }).map((entry) => [entry.name, { isDirectory: entry.isDirectory() }]),
  },
  parser: {
    slugifier: service.githubSlugifier,
    tokenize: async (document) => engine.parse(document.getText(), {}),
  },
  logger: { level: 0, log() {} },
});

const taken = { ready: [], completion: [], definition: [], hover: [], references: [] };
const requests = {
  completion: (document, position) => server.getCompletionItems(document, position, {}, token),
  definition: (document, position) => server.getDefinition(document, position, token),
  hover: (document, position) => server.getHover(document, position, token),
  references: (document) => server.getFileReferences(URI.parse(document.uri), token),
};
const places = JSON.parse(readFileSync(0, "utf-8"));
await requests.references(documents.get(URI.file(join(root, places[0][0])).toString()));
taken.ready.push((performance.now() - start) / 1000);
for (const [path, line, character] of places) {
  const document = documents.get(URI.file(join(root, path)).toString());
  for (const [name, request] of Object.entries(requests)) {
    const begin = performance.now();
    await request(document, { line, character });
    taken[name].push((performance.now() - begin) / 1000);
  }
}
console.log(JSON.stringify({ ...taken, memory: process.memoryUsage().rss / 1e6 }));
