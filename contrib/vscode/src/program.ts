// Finds the program vaultlink and runs it: with a list of arguments, never by a shell, and never from a folder that is open.

import { execFile } from "node:child_process";
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, delimiter, dirname, isAbsolute, join, relative } from "node:path";

/** The version in which `vaultlink lsp` came. */
const OLDEST: readonly number[] = [0, 6, 0];

const IS_WINDOWS = process.platform === "win32";
const NAME = IS_WINDOWS ? "vaultlink.exe" : "vaultlink";
const MAX_OUTPUT = 256 * 1024 * 1024; // bytes; a difference of all notes of a large vault

/** An error that the user can resolve, as a sentence. */
export class ProgramError extends Error {}

export interface Output {
  stdout: string;
  stderr: string;
}

/** Return the environment of the program. Python must not read code of a folder from which the editor was started. */
function makeEnvironment(): NodeJS.ProcessEnv {
  const { PYTHONPATH: _path, PYTHONHOME: _home, ...rest } = process.env;
  return { ...rest, NO_COLOR: "1" };
}

/** A program that was checked. What was checked is what runs: `path` may lead elsewhere later, `file` has no symbolic links. */
export interface Program {
  path: string;
  file: string;
}

/** Return how the program is started. It gets the path by which it was found, as managers of programs tell by it what to run. */
export function makeOptions(program: Program, cwd: string) {
  return { argv0: program.path, cwd, windowsHide: true, env: makeEnvironment() };
}

/** Run the program in a folder with an empty standard input. Throws ProgramError if it fails, with its last sentence. */
export function run(program: Program, args: readonly string[], cwd: string): Promise<Output> {
  const options = { ...makeOptions(program, cwd), maxBuffer: MAX_OUTPUT };
  return new Promise((resolve, reject) => {
    const child = execFile(program.file, args, options, (error, stdout, stderr) => {
      // Exit code 1 says that there are findings.
      if (!error || error.code === 1) return resolve({ stdout, stderr });
      const sentence = stderr.trim().split("\n").pop()?.replace(/^error: /, "");
      reject(new ProgramError(sentence || `${program.path} cannot be run: ${error.message}`));
    });
    child.stdin?.on("error", () => {}); // it ended without reading
    child.stdin?.end();
  });
}

/** Return a program that serves editors. Throws ProgramError that says what is wrong with it. */
export async function findProgram(setting: string, open: readonly string[]): Promise<Program> {
  const program = setting ? readSetting(setting) : searchProgram(open);
  const { stdout } = await run(program, ["--version"], homedir());
  const { path } = program;
  const version = /^vaultlink (\d+)\.(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number);
  if (!version) throw new ProgramError(`${path} is not vaultlink: it prints no version. Correct the setting vaultlink.path.`);
  const first = OLDEST.findIndex((number, place) => version[place] !== number);
  if (first >= 0 && version[first]! < OLDEST[first]!)
    throw new ProgramError(`${path} is version ${version.join(".")}, which is too old. Upgrade it to ${OLDEST.join(".")} or newer.`);
  await run(program, ["lsp"], homedir()); // ends at once, and says so if its extra is missing
  return program;
}

function readSetting(setting: string): Program {
  const path = setting.replace(/^~(?=[/\\])/, homedir());
  if (!isAbsolute(path)) throw new ProgramError(`The setting vaultlink.path must be an absolute path, not ${setting}.`);
  const [program] = readProgram(path);
  if (!program) throw new ProgramError(`The setting vaultlink.path names ${path}, which is no program.`);
  return program;
}

function searchProgram(open: readonly string[]): Program {
  const home = homedir();
  const bin = IS_WINDOWS ? "Scripts" : "bin";
  const data = process.env["XDG_DATA_HOME"] || join(home, ".local", "share");
  const folders = [
    ...(process.env["PATH"] ?? "").split(delimiter),
    join(home, ".local", "bin"), // links of pipx and uv
    join(data, "uv", "tools", "vaultlink", bin),
    join(data, "pipx", "venvs", "vaultlink", bin),
    join(home, ".local", "pipx", "venvs", "vaultlink", bin),
    join(home, ".venvs", "vaultlink", bin), // docs/install.md
    ...(IS_WINDOWS
      ? [
          join(process.env["APPDATA"] ?? home, "uv", "tools", "vaultlink", bin),
          join(home, "pipx", "venvs", "vaultlink", bin),
          join(home, "vaultlink", bin), // docs/install.md
        ]
      : ["/opt/homebrew/bin", "/usr/local/bin"]), // macOS starts editors without them in PATH
  ];
  const found = folders.filter(isAbsolute).flatMap((folder) => readProgram(join(folder, NAME)));
  const program = found.find(({ path, file }) => !open.some((root) => contains(root, path) || contains(root, file)));
  if (program) return program;
  if (found[0]) throw new ProgramError(`${found[0].path} is in a folder that is open. If you trust it, name it in the setting vaultlink.path.`);
  throw new ProgramError("The program vaultlink is not installed, or neither in PATH nor where pipx, uv and pip put it.");
}

/** Return true if a path is a folder or is in it, as they are written or without symbolic links. */
export function contains(folder: string, path: string): boolean {
  const ways = [relative(folder, path), relative(resolveLinks(folder), resolveLinks(path))];
  return ways.some((way) => !isAbsolute(way) && way.split(/[/\\]/)[0] !== "..");
}

/** Return a path without symbolic links; its file may be deleted. */
function resolveLinks(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return dirname(path) === path ? path : join(resolveLinks(dirname(path)), basename(path));
  }
}

/** Return the program of a path as it is now; none if it cannot be run. */
function readProgram(path: string): Program[] {
  try {
    const file = realpathSync.native(path);
    accessSync(file, constants.X_OK);
    return statSync(file).isFile() ? [{ path, file }] : [];
  } catch {
    return [];
  }
}
