import { PluginSettingTab, Setting } from "obsidian";
import type VaultlinkPlugin from "./main";
import { showText } from "./texts";

export class VaultlinkSettings extends PluginSettingTab {
  constructor(private readonly plugin: VaultlinkPlugin) {
    super(plugin.app, plugin);
  }

  display(): void {
    const { containerEl, plugin } = this;
    containerEl.empty();
    let path = plugin.path;
    const setting = new Setting(containerEl)
      .setName("Program")
      .setDesc("The path of vaultlink, or its name if the system finds it. It is kept on this device, not in the vault.")
      .addText((text) => text.setValue(path).onChange((value) => (path = value)));
    const result = containerEl.createEl("p", { attr: { role: "status" } });
    setting.addButton((button) =>
      button.setButtonText("Save and check").onClick(async () => {
        plugin.path = path;
        button.setDisabled(true);
        const works = await plugin.restart();
        button.setDisabled(false);
        result.setText(works ? "The program works." : showText(plugin.problem));
      }),
    );
  }
}
