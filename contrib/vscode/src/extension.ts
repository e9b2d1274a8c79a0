// Starts `vaultlink lsp` for Markdown files, and offers the commands that change a vault or show its state.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import { LanguageClient, State, type Location, type Position, type StaticFeature } from "vscode-languageclient/node";
import { contains, findProgram, makeOptions, type Output, type Program, ProgramError, run } from "./program";

const { commands, window, workspace } = vscode;
const DIFF = "vaultlink-diff"; // scheme of documents that show what a command would change
const MARKS = [".obsidian", "vaultlink.toml", ".vaultlink.toml"]; // what makes a folder a vault
const JSON_ONLY = ["--quiet", "--output-format", "json"];
const PAUSE_MS = 500; // between the last change and the count

const differences = new Map<string, string>();
const differenceChanged = new vscode.EventEmitter<vscode.Uri>();
let context: vscode.ExtensionContext;
let log: vscode.LogOutputChannel;
let status: vscode.StatusBarItem;
let client: LanguageClient | undefined;
let program: Program | undefined; // undefined if none can be used
let path: string | undefined; // the setting with which it was looked for
let lastVault: string | undefined;
let starting: Promise<void> = Promise.resolve();
let vaultsBeingRead = 0;
let timer: NodeJS.Timeout | undefined;
let counting = false;
let reports: string | undefined; // a folder of this window

export async function activate(given: vscode.ExtensionContext): Promise<void> {
  context = given;
  log = window.createOutputChannel("vaultlink", { log: true });
  status = window.createStatusBarItem("vaultlink.status", vscode.StatusBarAlignment.Left);
  status.name = "vaultlink";
  const register = (name: string, action: (...args: never[]) => unknown) =>
    commands.registerCommand(`vaultlink.${name}`, (...args: never[]) => tell(() => action(...args)));
  context.subscriptions.push(
    log,
    status,
    differenceChanged,
    register("fixNote", fixNote),
    register("fixVault", () => change("fix")),
    register("undo", () => change("undo")),
    register("report", openReport),
    register("restart", () => restart()),
    register("showReferences", showReferences),
    workspace.registerTextDocumentContentProvider(DIFF, {
      onDidChange: differenceChanged.event,
      provideTextDocumentContent: (uri) => differences.get(uri.path) ?? "",
    }),
    // The client tells the server of other settings first.
    workspace.onDidChangeConfiguration(() => readPath() !== path && restart(PAUSE_MS)),
    workspace.onDidSaveTextDocument(countSoon),
    workspace.onDidChangeWorkspaceFolders(() => {
      lastVault = undefined;
      countSoon();
    }),
    window.onDidChangeActiveTextEditor(() => findVault() !== lastVault && countSoon()),
    // What is not saved changes no count.
    vscode.languages.onDidChangeDiagnostics(() => listUnsaved(lastVault).length === 0 && countSoon()),
    { dispose: () => clearTimeout(timer) },
  );
  await restart();
}

export async function deactivate(): Promise<void> {
  if (reports) await rm(reports, { recursive: true, force: true }); // it quotes notes
  await starting;
  await stop();
}

// -- the server -----------------------------------------------------------------------------------------------------------

/** Find the program and start the server, after the last start has ended and a pause. Commands wait for it. */
function restart(pauseMs = 0): Promise<void> {
  starting = starting.then(() => sleep(pauseMs)).then(start).catch((error: unknown) => log.error(String(error)));
  return starting;
}

function readPath(): string {
  return workspace.getConfiguration("vaultlink").get("path", "").trim();
}

/** Stop the server. A client that did not start throws when it is stopped, and must not bar the next one. */
async function stop(): Promise<void> {
  const old = client;
  client = undefined;
  await old?.dispose().catch((error: unknown) => log.warn(String(error)));
}

async function start(): Promise<void> {
  await stop();
  [program, vaultsBeingRead] = [undefined, 0];
  const open = (workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
  let found: Program;
  try {
    path = readPath();
    found = program = await findProgram(path, open);
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    showStatus("$(warning) vaultlink", error.message, "vaultlink.restart");
    void explain(error.message);
    return;
  }
  log.info(`Starting ${found.path} lsp`);
  const server = { command: found.file, args: ["lsp"], options: makeOptions(found, homedir()) };
  client = new LanguageClient("vaultlink", "vaultlink", server, {
    documentSelector: [{ scheme: "file", language: "markdown" }],
    outputChannel: log,
    middleware: {
      handleWorkDoneProgress(token, params, next) {
        next(token, params);
        vaultsBeingRead += params.kind === "begin" ? 1 : params.kind === "end" ? -1 : 0;
        if (params.kind === "end") countSoon();
      },
    },
  });
  client.registerFeature(NAMES_COMMAND);
  client.onDidChangeState(({ newState }) => newState === State.Running || (vaultsBeingRead = 0)); // it may end while it reads
  await client.start();
  countSoon();
}

/** Names the command that code lenses call. */
const NAMES_COMMAND: StaticFeature = {
  fillClientCapabilities(capabilities) {
    capabilities.experimental = { commands: { commands: ["vaultlink.showReferences"] } };
  },
  initialize() {},
  getState: () => ({ kind: "static" }),
  clear() {},
};

async function showReferences(uri: string, position: Position, places: Location[]): Promise<void> {
  const convert = client?.protocol2CodeConverter;
  if (!convert) return;
  const found = places.map((place) => convert.asLocation(place));
  await commands.executeCommand("editor.action.showReferences", convert.asUri(uri), convert.asPosition(position), found);
}

/** Show why the program cannot be used, and what to do. */
async function explain(reason: string): Promise<void> {
  const actions: Record<string, () => unknown> = {
    "How to Install": () =>
      commands.executeCommand("markdown.showPreview", vscode.Uri.joinPath(context.extensionUri, "readme.md")), // vsce names it so
    "Open Setting": () => commands.executeCommand("workbench.action.openSettings", "vaultlink.path"),
    "Try Again": () => restart(),
  };
  const choice = await window.showErrorMessage(`vaultlink: ${reason}`, ...Object.keys(actions));
  if (choice) await actions[choice]?.();
}

// -- the vault ------------------------------------------------------------------------------------------------------------

/** Return the folder, at most one that is open, from which upward the program looks for the vault of the active note. */
function findVault(): string | undefined {
  const uri = window.activeTextEditor?.document.uri;
  const own = uri && workspace.getWorkspaceFolder(uri);
  if (!own) return lastVault ?? workspace.workspaceFolders?.[0]?.uri.fsPath;
  const root = own.uri.fsPath;
  for (let folder = dirname(uri.fsPath); folder.length > root.length; folder = dirname(folder))
    if (MARKS.some((name) => existsSync(join(folder, name)))) return folder;
  return root;
}

function listUnsaved(vault: string | undefined): string[] {
  const unsaved = workspace.textDocuments.filter((document) => document.isDirty && document.uri.scheme === "file");
  return unsaved.map((document) => document.uri.fsPath).filter((path) => vault && contains(vault, path));
}

/** Run a command of the program in a vault, and show that it runs. */
async function call(vault: string, ...args: string[]): Promise<Output> {
  await starting;
  const found = program;
  if (!found) throw new ProgramError("The program vaultlink cannot be used. “vaultlink: Restart Server” says why.");
  const title = `vaultlink ${args[0]}`;
  const output = await window.withProgress({ location: vscode.ProgressLocation.Window, title }, () => run(found, args, vault));
  if (output.stderr.trim()) log.info(`${title}\n${output.stderr.trim()}`);
  return output;
}

/** Run a command; show its errors. */
async function tell(action: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    void window.showErrorMessage(`vaultlink: ${error.message}`);
  }
}

/** Return the vault that the program finds, which may be above the folder that is open. */
async function askVault(): Promise<string> {
  const folder = findVault();
  if (!folder) throw new ProgramError("No vault is open. Open its folder with File > Open Folder.");
  const { stdout } = await call(folder, "config", ...JSON_ONLY);
  return (JSON.parse(stdout) as { vault: string }).vault;
}

function refuseUnsaved(command: string, vault: string): void {
  const unsaved = listUnsaved(vault).map((path) => workspace.asRelativePath(path));
  if (unsaved.length > 0)
    throw new ProgramError(`“${command}” changes files on disk. Save or revert what is not saved first: ${unsaved.join(", ")}.`);
}

// -- the count ------------------------------------------------------------------------------------------------------------

function countSoon(): void {
  clearTimeout(timer);
  timer = setTimeout(() => void count(), PAUSE_MS);
}

/** Show the figures of `vaultlink status` in the status bar. */
async function count(): Promise<void> {
  const vault = findVault();
  if (!program || !vault || vaultsBeingRead > 0) return; // counted when they are read
  if (counting) return countSoon();
  counting = true;
  lastVault = vault;
  const asked = program;
  try {
    const { stdout } = await run(asked, ["status", ...JSON_ONLY], vault);
    if (asked !== program) return; // another program was chosen meanwhile
    const found: { vault: string; mistakes: unknown[]; planned: unknown[] } = JSON.parse(stdout);
    const figures = `${plural(found.mistakes.length, "mistake")}, ${plural(found.planned.length, "planned note")}`;
    showStatus(`$(link) ${figures}`, `${figures} in ${found.vault}`, "workbench.actions.view.problems");
  } catch (error) {
    if (asked !== program) return;
    showStatus("$(warning) vaultlink", error instanceof Error ? error.message : String(error), "vaultlink.restart");
  } finally {
    counting = false;
  }
}

function plural(number: number, name: string): string {
  return `${number.toLocaleString("en")} ${name}${number === 1 ? "" : "s"}`;
}

function showStatus(text: string, sentence: string, command: string): void {
  const links: Record<string, string> = {
    "Problems": "workbench.actions.view.problems",
    "Report": "vaultlink.report",
    "Fix": "vaultlink.fixVault",
    "Undo": "vaultlink.undo",
    "Restart": "vaultlink.restart",
  };
  const tooltip = new vscode.MarkdownString().appendText(sentence);
  tooltip.isTrusted = { enabledCommands: Object.values(links) };
  tooltip.appendMarkdown(`\n\n${Object.entries(links).map(([title, name]) => `[${title}](command:${name})`).join(" · ")}`);
  Object.assign(status, { text, tooltip, command });
  status.show();
}

// -- commands -------------------------------------------------------------------------------------------------------------

/** Apply all safe fixes of the open note; the server plans them, and the editor can undo them. */
function fixNote(): Thenable<unknown> {
  return commands.executeCommand("editor.action.codeAction", { kind: "source.fixAll.vaultlink", apply: "first" });
}

/** Show what `vaultlink fix` or `vaultlink undo` would change, ask, and run it. What was shown is what is written. */
async function change(command: "fix" | "undo"): Promise<void> {
  const vault = await askVault();
  const words = command === "fix" ? ["fix"] : ["undo", ...(await askLastRun(vault))];
  const action = command === "fix" ? "Apply these fixes" : "Undo this run";
  for (let shown = ""; ; ) {
    refuseUnsaved(command, vault);
    const plan = await call(vault, ...words, "--diff");
    if (!plan.stdout.trim()) {
      const hint = command === "undo" ? " What the editor changed itself is undone with Edit > Undo." : "";
      return void window.showInformationMessage(`vaultlink: ${summarize(plan)}${hint}`);
    }
    if (plan.stdout === shown) break;
    shown = plan.stdout;
    await showDifference(command, shown);
    const placeHolder = "Nothing is written until you choose.";
    const choice = await window.showQuickPick([action, "Cancel"], { title: summarize(plan), placeHolder, ignoreFocusOut: true });
    if (choice !== action) return;
  }
  refuseUnsaved(command, vault); // planning takes a while
  const done = await call(vault, ...words);
  countSoon();
  const choice = await window.showInformationMessage(`vaultlink: ${summarize(done)}`, ...(command === "fix" ? ["Undo"] : []));
  if (choice) await change("undo");
}

/** Return the run that `vaultlink undo` would revert now, so that no later one is reverted instead. */
async function askLastRun(vault: string): Promise<string[]> {
  const { stdout } = await call(vault, "undo", "--list", ...JSON_ONLY);
  const { last }: { last: string | null } = JSON.parse(stdout);
  return last === null ? [] : [last];
}

async function showDifference(command: string, text: string): Promise<void> {
  const uri = vscode.Uri.from({ scheme: DIFF, path: `vaultlink ${command}.diff` });
  differences.set(uri.path, text);
  differenceChanged.fire(uri);
  await vscode.languages.setTextDocumentLanguage(await workspace.openTextDocument(uri), "diff");
  await window.showTextDocument(uri, { preview: true });
}

/** Return what a run says about itself on standard error, in one line. */
function summarize(output: Output): string {
  const lines = output.stderr.split("\n").filter((line) => line && !line.startsWith("Vault: "));
  const skipped = lines.filter((line) => line.includes(": skipped: "));
  const first = lines.find((line) => !skipped.includes(line)) ?? "";
  return skipped.length > 0 ? `${first} ${plural(skipped.length, "note")} skipped; the output says why.` : first;
}

/** Write the report of the vault to a temporary file, and open it in the browser. */
async function openReport(): Promise<void> {
  const vault = await askVault();
  reports ??= await mkdtemp(join(tmpdir(), "vaultlink-"));
  const file = join(reports, "vaultlink-report.html");
  await call(vault, "report", "--output-file", file);
  // A browser on another machine cannot read the file.
  if (vscode.env.remoteName || !(await vscode.env.openExternal(vscode.Uri.file(file))))
    void window.showInformationMessage(`vaultlink: The report is ${file}. Open it in a browser.`);
}
