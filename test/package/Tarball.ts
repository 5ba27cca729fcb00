/**
 * The package as it would be published, made once for a test file: what `npm pack` puts into the tarball.
 */
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

export const root = Path.resolve(import.meta.dirname, "../..")

/** Runs a command to its end; what it said is in the error where it fails. */
export const run = (command: string, args: ReadonlyArray<string>, cwd: string, env: NodeJS.ProcessEnv = {}): string => {
  const { error, status, stderr, stdout } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, ...env },
    shell: process.platform === "win32",
    timeout: 60_000
  })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}:\n${stdout}\n${stderr}`)
  return stdout
}

/** A directory of this test's own. */
export const temporary = () => Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-package-"))

export interface Tarball {
  readonly path: string
  /** What is in it, relative to the package, in order. */
  readonly files: ReadonlyArray<string>
}

/** Packs what is built now. */
export const pack = (directory: string): Tarball => {
  const [{ filename, files }] = JSON.parse(
    run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", directory], root)
  ) as [{ readonly filename: string; readonly files: ReadonlyArray<{ readonly path: string }> }]
  return { path: Path.join(directory, filename), files: files.map(({ path }) => path).toSorted() }
}
