/**
 * The container file: linted, and followed by hand, for there may be no engine here. Each stage becomes a directory; what
 * it copies must be there, what it runs is run, and what comes out must start and pass its own health check.
 */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { DockerfileParser, type Instruction } from "dockerfile-ast"
import { validate } from "dockerfile-utils"
import * as Effect from "effect/Effect"
import { spawn, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Process from "../cli/process.ts"
import * as Tarball from "./Tarball.ts"

const file = Path.join(Tarball.root, "deploy/Containerfile")
const text = Fs.readFileSync(file, "utf8")
const parsed = DockerfileParser.parse(text)

interface Stage {
  readonly name: string
  readonly from: string
  readonly steps: ReadonlyArray<Instruction>
}

const stages: ReadonlyArray<Stage> = parsed.getFROMs().map((from) => ({
  name: from.getBuildStage() ?? "final",
  from: from.getImage() ?? "",
  steps: parsed.getInstructions().filter((step) =>
    step.getKeyword() !== "FROM" && from.getRange().start.line < step.getRange().start.line &&
    parsed.getContainingImage(step.getRange().start) === parsed.getContainingImage(from.getRange().start)
  )
}))
const final = stages.at(-1)!
const one = (keyword: string, stage = final) => {
  const steps = stage.steps.filter((step) => step.getKeyword() === keyword)
  assert.lengthOf(steps, 1, keyword)
  return steps[0]!.getArgumentsContent() ?? ""
}

const directory = Tarball.temporary()
afterAll(() => Fs.rmSync(directory, { recursive: true, force: true }))

/** Where a path of a stage is here. */
const inStage = (name: string, path: string) => Path.join(directory, name, path)

/** Copies from the project, or from a former stage, into the working directory of this one. */
const copy = (stage: Stage, step: Instruction, workdir: string) => {
  const [, from] = /--from=(\S+)/.exec(step.getTextContent()) ?? []
  const paths = step.getArguments().map((argument) => argument.getValue()).filter((word) => !word.startsWith("--"))
  const target = paths.at(-1)!
  const isFolder = target.endsWith("/")
  for (const path of paths.slice(0, -1)) {
    const source = from === undefined ? Path.join(Tarball.root, path) : inStage(from, path)
    assert.isTrue(Fs.existsSync(source), `${step.getTextContent()}: there is no ${path}`)
    Fs.cpSync(source, inStage(stage.name, Path.resolve(workdir, target, isFolder ? Path.basename(path) : ".")), {
      recursive: true,
      filter: (from) => Path.basename(from) !== "node_modules"
    })
  }
}

/** What a stage runs: the locked dependencies are those of this checkout, all else is done as it stands. */
const runs = (command: string, folder: string) => {
  if (command.startsWith("npm ci")) {
    Fs.symlinkSync(Path.join(Tarball.root, "node_modules"), Path.join(folder, "node_modules"), "junction")
  } else {
    Tarball.run("sh", ["-c", command], folder)
  }
}

const follow = (stage: Stage) => {
  let workdir = "/"
  for (const step of stage.steps) {
    const argument = step.getArgumentsContent() ?? ""
    switch (step.getKeyword()) {
      case "WORKDIR":
        workdir = Path.resolve(workdir, argument)
        Fs.mkdirSync(inStage(stage.name, workdir), { recursive: true })
        break
      case "COPY":
        copy(stage, step, workdir)
        break
      case "RUN":
        runs(argument, inStage(stage.name, workdir))
        break
    }
  }
  return inStage(stage.name, workdir)
}

describe("the container file", () => {
  it("has nothing that a linter finds", () => {
    assert.deepStrictEqual(validate(text), [])
  })

  it("builds in one stage and runs in another, not as root, on a Node that the program takes", () => {
    assert.isAbove(stages.length, 1)
    assert.notStrictEqual(one("USER"), "root")
    const { engines } = JSON.parse(Fs.readFileSync(Path.join(Tarball.root, "package.json"), "utf8"))
    for (const { from } of stages) {
      const [, major] = /^node:(\d+)-/.exec(from) ?? []
      assert.isAtLeast(Number(major), Number(/\d+/.exec(engines.node)?.[0]))
    }
    assert.match(one("HEALTHCHECK"), / leader --this-host .*\|\| exit 1$/s)
  })

  it("does not keep from the engine what it copies", () => {
    const ignored = Fs.readFileSync(Path.join(Tarball.root, ".dockerignore"), "utf8").split("\n")
    for (const step of stages[0]!.steps.filter((step) => step.getKeyword() === "COPY")) {
      for (const word of step.getArguments()) assert.notInclude(ignored, word.getValue().split("/")[0])
    }
  })

  // The commands are those of a shell.
  it.live.skipIf(process.platform === "win32")(
    "makes, from what it copies alone, a program that starts and passes its health check",
    () =>
      Effect.gen(function*() {
        const folders = stages.map(follow)
        const folder = folders.at(-1)!
        assert.isFalse(Fs.existsSync(Path.join(folder, "node_modules")))
        const env = { ...(yield* Process.group), PATH: process.env["PATH"] }
        const check = () => {
          const command = one("HEALTHCHECK").replace(/^.*?\bCMD /s, "")
          return spawnSync("sh", ["-c", command], { cwd: folder, env }).status
        }
        assert.strictEqual(check(), 1, "nobody is there yet")

        const [command, ...args] = JSON.parse(one("ENTRYPOINT")) as [string, ...Array<string>]
        const server = yield* Effect.acquireRelease(
          Effect.sync(() =>
            new Process.Running(spawn(command, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] }))
          ),
          (server) => server.kill("SIGKILL")
        )
        yield* server.until(() => server.stdout.includes(" leads: ") ? true : undefined)
        assert.strictEqual(check(), 0)
        yield* server.kill(one("STOPSIGNAL") as NodeJS.Signals)
        assert.strictEqual((yield* server.ended).code, 0)
      }).pipe(Effect.scoped)
  )
})
