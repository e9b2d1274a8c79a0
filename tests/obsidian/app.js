// A stub of the API of Obsidian for one plugin, in a page. Processes and files are real: bridge.mjs lends them.
//
// `startApp(root)` opens a vault, loads main.js and enables the plugin; `window.app` is then what tests look at.

(() => {
  const { host } = window;
  window.process = { env: host.env, platform: host.platform };

  // -- Node, as far as the plugin needs it ---------------------------------------------------------

  class Emitter {
    #listeners = {};
    on(name, listener) {
      (this.#listeners[name] ??= []).push(listener);
      return this;
    }
    setEncoding() {
      return this;
    }
    emit(name, ...details) {
      for (const listener of this.#listeners[name] ?? []) listener(...details);
    }
  }

  const children = [];
  host.started = []; // the command lines of all processes
  host.ended = 0; // the number of those that ended, and told the plugin

  function spawn(command, words, options) {
    if (options.shell !== false || !Array.isArray(words)) throw new Error("a process must be started without a shell");
    const child = Object.assign(new Emitter(), { stdout: new Emitter(), stderr: new Emitter() });
    const id = children.push(child) - 1;
    host.started.push([command, ...words]);
    const begun = window.host_spawn(id, command, words, options);
    child.kill = (signal) => void begun.then(() => window.host_kill(id, signal ?? null));
    return child;
  }

  host.hear = (kind, ...details) => {
    if (kind === "files") return window.app?.takeFiles(details[0]);
    const [id, ...rest] = details;
    if (kind === "error") return children[id].emit("error", Object.assign(new Error(rest[0].message), { code: rest[0].code }));
    if (kind === "stdout" || kind === "stderr") return children[id][kind].emit("data", rest[0]);
    children[id].emit(kind, ...rest);
    if (kind === "close") host.ended += 1;
  };

  const join = (...parts) => parts.join("/");
  const isAbsolute = (path) => path.startsWith("/");
  const relative = (from, to) => (`${to}/`.startsWith(`${from}/`) ? to.slice(from.length + 1) : `../${to}`);
  const modules = {
    child_process: { spawn },
    os: { homedir: () => host.home, tmpdir: () => host.tmp },
    path: { join, delimiter: ":", sep: "/", isAbsolute, relative },
    fs: { realpathSync: (path) => path },
    "fs/promises": { mkdtemp: (prefix) => window.host_mkdtemp(prefix), rm: (path, options) => window.host_rm(path, options) },
  };

  // -- helpers that Obsidian adds to elements ------------------------------------------------------

  const helpers = {
    createEl(tag, options = {}) {
      const element = document.createElement(tag);
      const { cls, text, attr } = options;
      if (cls) element.className = cls;
      if (text !== undefined) element.textContent = text;
      for (const [name, value] of Object.entries(attr ?? {})) element.setAttribute(name, value);
      this.append(element);
      return element;
    },
    createDiv(options) {
      return this.createEl("div", options);
    },
    createSpan(options) {
      return this.createEl("span", options);
    },
    empty() {
      this.replaceChildren();
    },
    addClass(name) {
      this.classList.add(name);
    },
    setText(text) {
      this.textContent = text;
    },
    setAttr(name, value) {
      this.setAttribute(name, value);
    },
    getAttr(name) {
      return this.getAttribute(name);
    },
    findAll(selector) {
      return [...this.querySelectorAll(selector)];
    },
  };
  Object.assign(HTMLElement.prototype, helpers);
  Object.defineProperty(Node.prototype, "doc", {
    get() {
      return this.ownerDocument;
    },
  });

  // -- the API -------------------------------------------------------------------------------------

  class Component {
    registerEvent() {}
    registerDomEvent(element, name, listener) {
      element.addEventListener(name, listener);
    }
  }

  class Plugin extends Component {
    commands = new Map();
    views = new Map();
    constructor(app, manifest) {
      super();
      Object.assign(this, { app, manifest });
    }
    addStatusBarItem() {
      return document.querySelector("#status-bar").createDiv({ cls: "status-bar-item" });
    }
    addCommand(command) {
      this.commands.set(command.id, command);
    }
    addSettingTab(tab) {
      this.tab = tab;
    }
    registerView(type, make) {
      this.app.workspace.makers.set(type, make);
    }
  }

  class View extends Component {
    constructor(leaf) {
      super();
      Object.assign(this, { leaf, app: window.app, containerEl: document.createElement("div") });
      this.contentEl = this.containerEl.createDiv({ cls: "view-content" });
    }
  }

  class ItemView extends View {}

  class TextFileView extends View {
    file = null;
  }

  class MarkdownView extends TextFileView {
    constructor(leaf) {
      super(leaf);
      this.area = this.contentEl.createEl("textarea", { attr: { "aria-label": "Note", spellcheck: "false" } });
      const lines = () => this.area.value.split("\n");
      this.editor = {
        getLine: (line) => lines()[line],
        lastLine: () => lines().length - 1,
        setCursor: ({ line, ch }) => {
          const at = lines().slice(0, line).join("\n").length + (line ? 1 : 0) + ch;
          this.area.setSelectionRange(at, at);
          this.cursor = { line, ch };
        },
        scrollIntoView: () => {},
        focus: () => this.area.focus(),
      };
    }
    getMode() {
      return "source";
    }
    getViewData() {
      return this.area.value;
    }
    async load() {
      const text = await this.app.vault.read(this.file);
      this.saved = this.area.value = text.replace(/\r\n/g, "\n"); // as an editor holds it
    }
    async save() {
      if (this.app.refusesToSave) return;
      this.saved = this.area.value;
      await window.host_write(join(this.app.root, this.file.path), this.saved);
    }
  }

  class Leaf {
    view = null;
    constructor(parent) {
      this.parent = parent;
    }
    show(view) {
      this.view = view;
      this.parent.replaceChildren(view.containerEl);
    }
    async openFile(file) {
      if (this.view?.file !== file) {
        const view = new MarkdownView(this);
        view.file = file;
        await view.load();
        this.show(view);
      }
      this.app.workspace.active = file;
      this.app.workspace.emit("file-open", file);
    }
    getViewState() {
      return { type: this.view?.getViewType?.() ?? "empty" };
    }
    async setViewState({ type }) {
      this.show(this.app.workspace.makers.get(type)(this));
      await this.view.onOpen();
    }
    get app() {
      return window.app;
    }
  }

  class Workspace extends Emitter {
    makers = new Map();
    active = null;
    main = new Leaf(document.querySelector("#main"));
    side = new Leaf(document.querySelector("#side"));
    onLayoutReady(start) {
      start();
    }
    getActiveFile() {
      return this.active;
    }
    getLeaf() {
      return this.main;
    }
    getRightLeaf() {
      return this.side;
    }
    getLeavesOfType(type) {
      return [this.main, this.side].filter((leaf) => leaf.getViewState().type === type);
    }
    iterateAllLeaves(visit) {
      for (const leaf of [this.main, this.side]) if (leaf.view) visit(leaf);
    }
    async revealLeaf() {}
  }

  class FileSystemAdapter {
    getBasePath() {
      return window.app.root;
    }
  }

  class Modal {
    constructor(app) {
      this.app = app;
      this.containerEl = document.createElement("div");
      this.containerEl.className = "modal-container";
      this.modalEl = this.containerEl.createDiv({ cls: "modal", attr: { role: "dialog", "aria-modal": "true", "aria-label": "Dialog" } });
      this.titleEl = this.modalEl.createDiv({ cls: "modal-title" });
      this.contentEl = this.modalEl.createDiv({ cls: "modal-content" });
      this.containerEl.addEventListener("keydown", ({ key }) => key === "Escape" && this.close());
    }
    setTitle(title) {
      this.titleEl.textContent = title;
      return this;
    }
    open() {
      document.body.append(this.containerEl);
      this.onOpen();
    }
    close() {
      this.containerEl.remove();
      this.onClose();
    }
  }

  class Notice {
    constructor(text, duration) {
      this.element = document.querySelector("#notices").createDiv({ cls: "notice", text });
      window.app.notices.push({ text, duration });
    }
    hide() {
      this.element.remove();
    }
  }

  class Setting {
    constructor(parent) {
      this.element = parent.createDiv({ cls: "setting-item" });
      this.info = this.element.createDiv({ cls: "setting-item-info" });
      this.control = this.element.createDiv({ cls: "setting-item-control" });
    }
    setName(text) {
      this.name = text;
      this.info.createDiv({ cls: "setting-item-name", text });
      return this;
    }
    setDesc(text) {
      this.info.createDiv({ cls: "setting-item-description", text });
      return this;
    }
    addText(build) {
      const inputEl = this.control.createEl("input", { attr: { type: "text", "aria-label": this.name } });
      const text = {
        inputEl,
        setValue: (value) => ((inputEl.value = value), text),
        onChange: (change) => (inputEl.addEventListener("input", () => change(inputEl.value)), text),
      };
      build(text);
      return this;
    }
    addButton(build) {
      const buttonEl = this.control.createEl("button");
      const button = {
        buttonEl,
        setButtonText: (text) => ((buttonEl.textContent = text), button),
        setCta: () => (buttonEl.addClass("mod-cta"), button),
        setDisabled: (value) => ((buttonEl.disabled = value), button),
        onClick: (listener) => (buttonEl.addEventListener("click", listener), button),
      };
      build(button);
      return this;
    }
  }

  class PluginSettingTab {
    constructor(app, plugin) {
      Object.assign(this, { app, plugin, containerEl: document.querySelector("#settings") });
    }
  }

  modules.obsidian = {
    ...{ FileSystemAdapter, ItemView, Keymap: { isModEvent: () => false }, MarkdownView, Modal, Notice },
    ...{ Plugin, PluginSettingTab, Setting, TextFileView, View },
  };

  // -- the app -------------------------------------------------------------------------------------

  window.startApp = async (root, program) => {
    const files = new Map();
    const storage = new Map([["vaultlink-path", program]]);
    const app = {
      root,
      notices: [],
      refusesToSave: false,
      workspace: new Workspace(),
      vault: {
        adapter: new FileSystemAdapter(),
        getFileByPath: (path) => files.get(path) ?? null,
        read: (file) => window.host_read(join(root, file.path)),
      },
      loadLocalStorage: (key) => storage.get(key) ?? null,
      saveLocalStorage: (key, value) => storage.set(key, value),
      // What the app does when files change on disk: it reloads views without changes of their own.
      takeFiles(paths) {
        for (const path of files.keys()) if (!paths.includes(path)) files.delete(path);
        for (const path of paths) {
          if (!files.has(path)) files.set(path, { path, extension: path.split(".").pop() });
        }
        const { view } = app.workspace.main;
        if (view?.file && files.has(view.file.path) && view.saved === view.area.value) void view.load();
      },
      open: (path) => app.workspace.main.openFile(files.get(path)),
      run: (id) => void app.plugin.commands.get(id).callback(),
    };
    window.app = app;
    app.takeFiles(await window.host_follow(root));
    const module = { exports: {} };
    new Function("module", "exports", "require", window.pluginCode)(module, module.exports, (name) => modules[name]);
    app.plugin = new module.exports.default(app, {});
    await app.plugin.onload();
  };
})();
