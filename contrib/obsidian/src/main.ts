import { mkdtemp, rm } from "fs/promises";
import { FileSystemAdapter, MarkdownView, Notice, type PaneType, Plugin, TextFileView } from "obsidian";
import { tmpdir } from "os";
import { join } from "path";
import { Question } from "./modals";
import { VaultlinkPane, VIEW_TYPE } from "./pane";
import { type Figures, Program, ProgramError } from "./program";
import { VaultlinkSettings } from "./settings";
import { count, findIndex, showText, summarize } from "./texts";

const PATH_KEY = "vaultlink-path";

export default class VaultlinkPlugin extends Plugin {
  program!: Program;
  figures: Figures | null = null;
  problem = "";
  private status!: HTMLElement;
  private reports = "";
  private isWriting = false;

  override onload(): void {
    this.status = this.addStatusBarItem();
    this.status.addClass("mod-clickable");
    this.registerDomEvent(this.status, "click", () => void this.showPane());
    this.registerView(VIEW_TYPE, (leaf) => new VaultlinkPane(leaf, this));
    this.addSettingTab(new VaultlinkSettings(this));
    this.addCommand({ id: "show", name: "Show links of the note", callback: () => void this.showPane() });
    this.addCommand({ id: "fix", name: "Fix safe findings", callback: () => void this.write("fix", "Fix safe findings", "Fix") });
    this.addCommand({ id: "undo", name: "Undo last run", callback: () => void this.write("undo", "Undo last run", "Undo") });
    this.addCommand({ id: "report", name: "Open report", callback: () => void this.openReport() });
    this.addCommand({ id: "restart", name: "Start watching again", callback: () => void this.restart() });
    this.registerEvent(this.app.workspace.on("file-open", () => this.refreshPanes()));
    this.registerEvent(this.app.workspace.on("quit", (tasks) => tasks.addPromise(this.end())));
    this.app.workspace.onLayoutReady(() => void this.restart());
  }

  override onunload(): void {
    void this.end();
  }

  /** End the processes, and delete the report. */
  private async end(): Promise<void> {
    this.program?.stop();
    if (this.reports) await rm(this.reports, { recursive: true, force: true });
  }

  // -- the program -------------------------------------------------------------------------------

  get path(): string {
    const path: unknown = this.app.loadLocalStorage(PATH_KEY);
    return (typeof path === "string" && path) || "vaultlink";
  }

  /** Keep the path of the program on this device: it differs on others. */
  set path(path: string) {
    this.app.saveLocalStorage(PATH_KEY, path.trim() || null);
  }

  /** Start the program anew, for the path that is set. Return True if it works. */
  async restart(): Promise<boolean> {
    this.program?.stop();
    const program = new Program(
      this.path,
      this.findOnDisk(""),
      (problem, isFinal) => this.report(problem, isFinal),
      (figures) => !program.isEnded && this.show(figures),
    );
    this.program = program;
    this.show(null);
    const problem = await program.check().then(() => "", (error: unknown) => this.explain(error));
    if (program.isEnded) return false;
    if (problem) this.report(problem, true);
    else program.follow();
    return !problem;
  }

  /** Return the path on disk of a path in the vault. */
  findOnDisk(path: string): string {
    const { adapter } = this.app.vault;
    if (!(adapter instanceof FileSystemAdapter)) throw new ProgramError("The vault is not a folder on this computer.");
    return path ? join(adapter.getBasePath(), path) : adapter.getBasePath();
  }

  explain(error: unknown): string {
    return error instanceof ProgramError ? error.message : `vaultlink failed: ${String(error)}`;
  }

  /** Show a notice. One that stays is closed by the reader. */
  private notify(text: string, stays = false): void {
    new Notice(showText(`vaultlink: ${text}`), stays ? 0 : 10_000);
  }

  private report(problem: string, isFinal: boolean): void {
    this.notify(problem, isFinal);
    if (isFinal) this.show(null, problem);
  }

  // -- what is shown -----------------------------------------------------------------------------

  /** Show the figures of the vault, or why there are none. */
  private show(figures: Figures | null, problem = ""): void {
    [this.figures, this.problem] = [figures, problem];
    this.status.setText(figures ? `${count(figures.mistakes, "mistake")} · ${figures.planned.toLocaleString("en")} planned` : `vaultlink${problem ? " stopped" : "…"}`);
    this.status.setAttr("aria-label", problem ? showText(problem) : "Unresolved links: mistakes, and notes that are not written yet");
    this.refreshPanes();
  }

  private refreshPanes(): void {
    for (const { view } of this.app.workspace.getLeavesOfType(VIEW_TYPE)) if (view instanceof VaultlinkPane) void view.refresh();
  }

  private async showPane(): Promise<void> {
    const { workspace } = this.app;
    const leaf = workspace.getLeavesOfType(VIEW_TYPE)[0] ?? workspace.getRightLeaf(false);
    if (!leaf) return;
    if (leaf.getViewState().type !== VIEW_TYPE) await leaf.setViewState({ type: VIEW_TYPE, active: true });
    await workspace.revealLeaf(leaf);
  }

  async openPlace(place: { path: string; line: number; column: number }, where: PaneType | boolean): Promise<void> {
    const file = this.app.vault.getFileByPath(place.path);
    if (!file) return this.notify(`“${place.path}” is no longer in this vault.`);
    const leaf = this.app.workspace.getLeaf(where);
    const line = place.line - 1;
    await leaf.openFile(file, { active: true, eState: { line } });
    const { view } = leaf;
    if (!(view instanceof MarkdownView) || view.getMode() !== "source" || line > view.editor.lastLine()) return;
    const position = { line, ch: findIndex(view.editor.getLine(line), place.column) };
    view.editor.setCursor(position);
    view.editor.scrollIntoView({ from: position, to: position }, true);
    view.editor.focus();
  }

  // -- commands that write: the program does, after a question -------------------------------------

  private async write(command: string, title: string, action: string): Promise<void> {
    if (this.isWriting) return;
    this.isWriting = true;
    await this.askAndWrite(command, title, action).catch((error: unknown) => this.notify(this.explain(error), true));
    this.isWriting = false;
  }

  private async askAndWrite(command: string, title: string, action: string): Promise<void> {
    // What is written is what was agreed to: if the vault or the last run changed since, the question comes again.
    for (let agreed = ""; ; ) {
      if (!(await this.saveViews(title))) return;
      const run = command === "undo" ? await this.program.findLastRun() : [];
      const plan = await this.program.run(command, [...run, "--diff"]);
      if (!plan.stdout) return this.notify(summarize(plan.stderr) || "There is nothing to do.");
      const shown = [...run, plan.stdout].join();
      if (shown !== agreed) {
        if (!(await new Question(this.app, title, summarize(plan.stderr), action, plan.stdout).ask())) return;
        agreed = shown;
      } else if (!(await this.findUnsaved()).length) {
        const done = await this.program.run(command, run, true);
        return this.notify(summarize(done.stderr) || "Done.");
      }
    }
  }

  /** Ask to save what editors hold, and return True if all of it is on disk. The app saves, not this plugin. */
  private async saveViews(title: string): Promise<boolean> {
    const unsaved = await this.findUnsaved();
    if (!unsaved.length) return true;
    const names = unsaved.map((view) => view.file?.path).join(", ");
    const sentence = `Editors hold changes that are not saved yet: ${names}. They must be saved before vaultlink changes notes.`;
    if (!(await new Question(this.app, title, sentence, "Save and continue").ask())) return false;
    for (const view of unsaved) await view.save();
    const left = (await this.findUnsaved()).map((view) => view.file?.path).join(", ");
    if (left) this.notify(`Nothing was changed, because these notes could not be saved: ${left}. Save them, then try again.`, true);
    return !left;
  }

  private async findUnsaved(): Promise<TextFileView[]> {
    const views: TextFileView[] = [];
    this.app.workspace.iterateAllLeaves(({ view }) => view instanceof TextFileView && view.file && views.push(view));
    const texts = await Promise.all(views.map(async ({ file }) => file && this.app.vault.read(file).catch(() => null)));
    const normalize = (text?: string | null) => text?.replace(/\r\n?/g, "\n");
    return views.filter((view, index) => normalize(texts[index]) !== normalize(view.getViewData()));
  }

  private async openReport(): Promise<void> {
    const notice = new Notice("Making the report…", 0);
    try {
      this.reports ||= await mkdtemp(join(tmpdir(), "vaultlink-report-"));
      await this.program.run("report", ["--open", "--output-file", join(this.reports, "report.html")]);
    } catch (error) {
      this.notify(this.explain(error), true);
    }
    notice.hide();
  }
}
