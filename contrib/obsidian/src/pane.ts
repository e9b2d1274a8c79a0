import { ItemView, Keymap, type WorkspaceLeaf } from "obsidian";
import type VaultlinkPlugin from "./main";
import { count, showText } from "./texts";

export const VIEW_TYPE = "vaultlink-pane";

const MAX_ROWS = 200;

/** A row of the pane, and the place that it opens. Lines and columns count from 1. */
type Row = { text: string; remark: string; path: string; line: number; column: number };
type Group = { title: string; rows: Row[] };

type Topic = {
  topic: string;
  kind: "mistake" | "planned";
  sources: { path: string; line: number; column: number }[];
  suggestions: { path: string; subpath: string | null }[];
};

type Backlink = { path: string; lines: number[]; columns: number[] };

const nameNote = (path: string): string => path.replace(/\.md$/, "");

function topicRows(topics: Topic[], kind: Topic["kind"]): Row[] {
  return topics
    .filter((topic) => topic.kind === kind)
    .flatMap(({ topic, sources, suggestions: [best] }) =>
      sources.map((place) => ({
        text: topic,
        remark: [`line ${place.line}`, best ? `→ ${nameNote(best.path)}${best.subpath ?? ""}` : ""].filter(Boolean).join(" "),
        ...place,
      })),
    );
}

/** The side pane: what vaultlink knows of the open note. It asks when something changed, never in between. */
export class VaultlinkPane extends ItemView {
  override icon = "unlink";
  private shown = "";
  private isAsking = false;
  private isOutdated = false;

  constructor(leaf: WorkspaceLeaf, private readonly plugin: VaultlinkPlugin) {
    super(leaf);
  }

  getViewType(): string {
    return VIEW_TYPE;
  }

  getDisplayText(): string {
    return "Links of the note";
  }

  override async onOpen(): Promise<void> {
    this.contentEl.addClass("vaultlink-pane");
    await this.refresh();
  }

  /** Show the groups of the open note as they are now. Only one question runs at a time. */
  async refresh(): Promise<void> {
    this.isOutdated = true;
    if (this.isAsking) return;
    this.isAsking = true;
    while (this.isOutdated) {
      this.isOutdated = false;
      await this.update();
    }
    this.isAsking = false;
  }

  private async update(): Promise<void> {
    const file = this.app.workspace.getActiveFile();
    const { problem, figures } = this.plugin;
    const vault = figures ? `Vault: ${count(figures.mistakes, "mistake")}, ${count(figures.planned, "planned note")}` : "";
    if (problem || !figures) return this.render("", problem || "vaultlink reads the vault…", [], vault);
    if (!file || !["md", "canvas"].includes(file.extension)) return this.render("", "Open a note to see its links.", [], vault);
    try {
      const groups = await this.ask(file.path);
      if (this.app.workspace.getActiveFile() !== file) this.isOutdated = true;
      else this.render(nameNote(file.path), "", groups, vault);
    } catch (error) {
      if (!this.isOutdated) this.render(nameNote(file.path), this.plugin.explain(error), [], vault);
    }
  }

  private async ask(path: string): Promise<Group[]> {
    const file = this.plugin.findOnDisk(path);
    const [found, linked] = await Promise.all([
      this.plugin.program.run("unresolved", ["--json", "--", file]),
      this.plugin.program.run("backlinks", ["--json", "--", file]),
    ]);
    const { topics } = JSON.parse(found.stdout) as { topics: Topic[] };
    const { backlinks } = JSON.parse(linked.stdout) as { backlinks: Backlink[] };
    return [
      { title: "Mistakes", rows: topicRows(topics, "mistake") },
      { title: "Planned notes", rows: topicRows(topics, "planned") },
      {
        title: "Backlinks",
        rows: backlinks.flatMap((item) =>
          item.lines.map((line, index) => ({ text: nameNote(item.path), remark: `line ${line}`, path: item.path, line, column: item.columns[index] ?? 1 })),
        ),
      },
    ];
  }

  /** Draw the pane, unless it shows this already. The row that has the focus keeps it. */
  private render(title: string, sentence: string, groups: Group[], vault: string): void {
    const wanted = JSON.stringify([title, sentence, groups, vault]);
    if (wanted === this.shown) return;
    this.shown = wanted;
    const root = this.contentEl;
    const focused = root.doc.activeElement;
    const key = focused && root.contains(focused) ? focused.getAttr("data-place") : null;
    root.empty();
    if (title) root.createDiv({ cls: "vaultlink-title", text: showText(title) });
    if (sentence) root.createEl("p", { cls: "vaultlink-sentence", text: showText(sentence) });
    for (const group of groups) this.renderGroup(group);
    if (vault) root.createDiv({ cls: "vaultlink-vault", text: vault });
    if (key === null) return;
    const rows = root.findAll("button");
    (rows.find((row) => row.getAttr("data-place") === key) ?? rows[0])?.focus();
  }

  private renderGroup({ title, rows }: Group): void {
    const section = this.contentEl.createEl("section");
    const heading = section.createEl("h6", { cls: "vaultlink-heading", text: title });
    heading.createSpan({ cls: "vaultlink-count", text: rows.length ? rows.length.toLocaleString("en") : "none" });
    const list = section.createEl("ul", { attr: { "aria-label": title } });
    for (const row of rows.slice(0, MAX_ROWS)) {
      const attr = { "data-place": `${title} ${row.path} ${row.line}:${row.column}` };
      const button = list.createEl("li").createEl("button", { cls: "vaultlink-row", attr });
      button.createSpan({ cls: "vaultlink-text", text: showText(row.text) });
      button.createSpan({ cls: "vaultlink-remark", text: showText(row.remark) });
      button.addEventListener("click", (event) => void this.plugin.openPlace(row, Keymap.isModEvent(event)));
    }
    const rest = rows.length - MAX_ROWS;
    if (rest > 0) section.createEl("p", { cls: "vaultlink-sentence", text: `and ${rest.toLocaleString("en")} more` });
  }
}
