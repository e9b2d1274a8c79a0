import { type App, Modal, Setting } from "obsidian";
import { count, showText } from "./texts";

const MAX_LINES = 2_000;

/** A question with a text that can be long, such as a diff. Resolves to the answer. */
export class Question extends Modal {
  private answer = false;

  constructor(app: App, private title: string, private sentence: string, private action: string, private diff = "") {
    super(app);
  }

  ask(): Promise<boolean> {
    return new Promise((resolve) => {
      this.onClose = () => {
        this.contentEl.empty();
        resolve(this.answer);
      };
      this.open();
    });
  }

  override onOpen(): void {
    this.setTitle(this.title);
    this.modalEl.addClass("vaultlink-question");
    this.contentEl.createEl("p", { text: showText(this.sentence) });
    if (this.diff) this.showDiff();
    const agree = () => {
      this.answer = true;
      this.close();
    };
    new Setting(this.contentEl)
      .addButton((button) => button.setButtonText("Cancel").onClick(() => this.close()).buttonEl.focus())
      .addButton((button) => button.setButtonText(this.action).setCta().onClick(agree));
  }

  private showDiff(): void {
    const lines = this.diff.replace(/\n$/, "").split("\n");
    const attr = { tabindex: "0", role: "region", "aria-label": "Changes" };
    const list = this.contentEl.createEl("pre", { cls: "vaultlink-diff", attr });
    for (const line of lines.slice(0, MAX_LINES)) {
      const kind = /^(---|\+\+\+) /.test(line) ? "file" : line.startsWith("@@") ? "place" : line[0] === "+" ? "added" : line[0] === "-" ? "removed" : "same";
      list.createDiv({ cls: `vaultlink-${kind}`, text: showText(line) || " " });
    }
    const rest = lines.length - MAX_LINES;
    if (rest > 0) list.createDiv({ cls: "vaultlink-place", text: `… and ${count(rest, "more line")}` });
  }
}
