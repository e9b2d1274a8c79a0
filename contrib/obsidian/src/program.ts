import { type ChildProcess, spawn } from "child_process";
import { realpathSync } from "fs";
import { homedir } from "os";
import { delimiter, isAbsolute, join, relative, sep } from "path";

/** The first version whose watcher counts mistakes and planned notes. */
export const MIN_VERSION = "0.6.0";

const TIME_LIMIT = 120_000;
const DELAYS = [1_000, 5_000, 25_000];
const STEADY_TIME = 600_000;

/** A sentence for the reader: why the program can't do what was asked. */
export class ProgramError extends Error {}

export type Output = { code: number; stdout: string; stderr: string };

/** The figures of the vault, as `vaultlink status` counts them. */
export type Figures = { mistakes: number; planned: number };

/** Return True if a folder exists, and is not in another one. */
function isOutside(path: string, folder: string): boolean {
  try {
    const way = relative(realpathSync(folder), realpathSync(path));
    return isAbsolute(way) || way.split(sep)[0] === "..";
  } catch {
    return false;
  }
}

/** Return the environment of a program. Neither it nor code of Python is looked for in the vault: a vault can come from anyone. */
function makeEnvironment(vault: string): NodeJS.ProcessEnv {
  const { PYTHONPATH: _path, PYTHONHOME: _home, ...env } = process.env;
  const name = Object.keys(env).find((key) => key.toUpperCase() === "PATH") ?? "PATH"; // Windows has “Path”
  // An app that the desktop starts often lacks the folders in which pipx and Homebrew put programs.
  const more = process.platform === "win32" ? [] : [join(homedir(), ".local", "bin"), "/opt/homebrew/bin", "/usr/local/bin"];
  const folders = [...(env[name] ?? "").split(delimiter), ...more].filter((folder) => isAbsolute(folder) && isOutside(folder, vault));
  return { ...env, [name]: folders.join(delimiter), NO_COLOR: "1", PYTHONIOENCODING: "utf-8", PYTHONUTF8: "1" };
}

/** Return the last lines of what a program printed as errors, without its prefix. */
function lastWords(stderr: string): string {
  return stderr.trim().split("\n").slice(-3).join(" ").replace(/^error: /i, "");
}

/** The program `vaultlink` for one vault, and its watcher. */
export class Program {
  private readonly children = new Set<ChildProcess>();
  private timer: number | null = null;
  private deaths = 0;
  isEnded = false;

  constructor(
    private readonly command: string,
    private readonly vault: string,
    private readonly report: (problem: string, isFinal: boolean) => void,
    private readonly onFigures: (figures: Figures) => void,
  ) {}

  /** Raise a ProgramError if the program is missing, does not work, or is too old. */
  async check(): Promise<void> {
    const { code, stdout, stderr } = await this.runCommand(["--version"], false);
    const version = /^vaultlink (\d+\.\d+\S*)/.exec(stdout)?.[1];
    if (code !== 0 || !version) {
      const said = lastWords(stderr || stdout) || `exit code ${code}`;
      throw new ProgramError(`“${this.command}” does not work as vaultlink: ${said}. Check its path in the settings of this plugin.`);
    }
    if (version.localeCompare(MIN_VERSION, "en", { numeric: true }) < 0) throw this.tooOld(version);
  }

  /** Run a command on the vault. Raises ProgramError if it ends with a usage or internal error. */
  async run(name: string, words: readonly string[] = [], isWriting = false): Promise<Output> {
    const output = await this.runCommand([name, "--vault", this.vault, ...words], isWriting);
    if (output.code < 0 && this.isEnded) throw new ProgramError(`vaultlink ${name} was ended, as the plugin was, or was started again.`);
    if (output.code > 1 || output.code < 0) throw new ProgramError(lastWords(output.stderr) || `vaultlink ${name} failed: exit code ${output.code}.`);
    return output;
  }

  /** Return the id of the run that a bare `vaultlink undo` would undo, as words; none if there is none. */
  async findLastRun(): Promise<string[]> {
    const { stdout } = await this.run("undo", ["--list", "--json"]);
    return [JSON.parse(stdout) as { last: string | null }].flatMap(({ last }) => last ?? []);
  }

  /** Start the watcher. */
  follow(): void {
    const watcher = this.start(["watch", "--vault", this.vault, "--output-format", "json-lines"]);
    const started = Date.now();
    let [rest, errors, wrong] = ["", "", ""];
    watcher.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (!this.readEvent(line)) wrong ||= line;
      if (wrong) watcher.kill();
    });
    watcher.stderr?.setEncoding("utf8").on("data", (text: string) => (errors = (errors + text).slice(-2_000)));
    watcher.on("close", (code, signal) => {
      if (this.isEnded) return;
      if (Date.now() - started > STEADY_TIME) this.deaths = 0;
      const delay = DELAYS[this.deaths++];
      const cause = wrong ? `it printed “${wrong.slice(0, 80)}”` : code === 2 ? lastWords(errors) : signal ? `signal ${signal}` : `exit code ${code}`;
      if (code === 2 || delay === undefined) return this.report(`The watcher ended: ${cause}. The command “Start watching again” starts it.`, true);
      this.report(`The watcher ended (${cause}). It starts again.`, false);
      this.timer = window.setTimeout(() => this.follow(), delay);
    });
  }

  /** End all processes but those that write: they finish what they began. */
  stop(): void {
    this.isEnded = true;
    if (this.timer !== null) window.clearTimeout(this.timer);
    for (const child of this.children) child.kill();
  }

  private tooOld(version: string): ProgramError {
    return new ProgramError(`vaultlink ${version} is too old: this plugin needs ${MIN_VERSION} or newer. Update it, for example with “pipx upgrade vaultlink”.`);
  }

  /** Take over the figures in an event, and return True. Lines of findings have none. Return False if a line is no event. */
  private readEvent(line: string): boolean {
    let event: { event: string; version?: string; summary?: Partial<Figures> } | null;
    try {
      event = JSON.parse(line) as typeof event;
    } catch {
      return false;
    }
    if (!event?.event) return false;
    const { mistakes, planned } = event.summary ?? {};
    if (mistakes !== undefined && planned !== undefined) this.onFigures({ mistakes, planned });
    else if (event.event === "state") this.report(this.tooOld(event.version ?? "").message, true);
    return true;
  }

  /** Start the program, never through a shell, and in the home folder. */
  private start(words: readonly string[], isWriting = false): ChildProcess {
    const env = makeEnvironment(this.vault);
    const child = spawn(this.command, words, { cwd: homedir(), env, shell: false, windowsHide: true, stdio: ["ignore", "pipe", "pipe"] });
    if (!isWriting) this.children.add(child);
    return child.on("close", () => this.children.delete(child));
  }

  private runCommand(words: readonly string[], isWriting: boolean): Promise<Output> {
    return new Promise((resolve, reject) => {
      const child = this.start(words, isWriting);
      const timer = window.setTimeout(() => !isWriting && child.kill(), TIME_LIMIT);
      let [stdout, stderr] = ["", ""];
      child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
      child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
      child.on("error", (error) => {
        window.clearTimeout(timer);
        const cause = "code" in error && error.code === "ENOENT" ? "is not installed, or not where this plugin looks" : error.message;
        reject(new ProgramError(`The program “${this.command}” ${cause}. Install vaultlink, or set its path in the settings of this plugin.`));
      });
      child.on("close", (code) => {
        window.clearTimeout(timer);
        resolve({ code: code ?? -1, stdout, stderr });
      });
    });
  }
}
