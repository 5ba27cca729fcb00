/**
 * The program as a process of its own, on loopback, with a group and a port that no other test has.
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { spawn, spawnSync } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { createSocket } from "node:dgram"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Event from "../../src/protocol/model/Event.ts"

const root = Path.resolve(import.meta.dirname, "../..")
const { buildIsCurrent }: { readonly buildIsCurrent: () => boolean } = await import(
  Path.join(root, "scripts/setup.mjs")
)
/** As users run it, if it was built of the present `src`: that starts in a quarter of the time. */
export const main = Path.join(root, buildIsCurrent() ? "dist/main.js" : "src/main.ts")
const patience = "60 seconds"

/** The environment of one group that only this test is in. */
export const group = Effect.callback<Record<string, string>>((resume) => {
  const socket = createSocket("udp4")
  socket.bind(0, "127.0.0.1", () => {
    const { port } = socket.address()
    socket.close(() =>
      resume(Effect.succeed({
        BELLWETHER_GROUP: `cli-${process.pid}-${port}`,
        BELLWETHER_PORT: String(port),
        BELLWETHER_INTERFACES: "lo",
        BELLWETHER_TTL: "0"
      }))
    )
  })
})

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const decode = Schema.decodeUnknownSync(Event.Event)

/**
 * From now on this process and all that it starts go before others, if they may (as root): on a busy machine servers of
 * short heartbeats would be paused for longer than those again and again, and rightly do nothing else.
 */
export const goFirst = (): void => {
  try {
    Os.setPriority(-10)
  } catch {
    // Then the machine must not be that busy.
  }
}

export class Running {
  readonly child: ChildProcess
  stdout = ""
  stderr = ""
  readonly #watchers = new Set<() => void>()
  #code: number | null | undefined
  readonly #events: Array<Event.Event> = []
  #read = 0

  readonly #patience: Duration.Input

  constructor(child: ChildProcess, patient: Duration.Input = patience) {
    this.child = child
    this.#patience = patient
    this.child.stdout?.setEncoding("utf8").on("data", (data: string) => {
      this.stdout += data
      this.#changed()
    })
    this.child.stderr?.setEncoding("utf8").on("data", (data: string) => {
      this.stderr += data
      this.#changed()
    })
    this.child.on("close", (code) => {
      this.#code = code
      this.#changed()
    })
  }

  #changed() {
    for (const watcher of this.#watchers) watcher()
  }

  /** Waits until something holds. Fails with all output if it takes too long. */
  until<A>(what: () => A | undefined): Effect.Effect<A> {
    return Effect.callback<A>((resume) => {
      const check = () => {
        const found = what()
        if (found !== undefined) resume(Effect.succeed(found))
      }
      this.#watchers.add(check)
      check()
      return Effect.sync(() => this.#watchers.delete(check))
    }).pipe(
      Effect.timeoutOrElse({
        duration: this.#patience,
        orElse: () => Effect.die(new Error(`waited in vain; stdout:\n${this.stdout}\nstderr:\n${this.stderr}`))
      })
    )
  }

  /** Each line is read once: a test that waits for an event looks at all of them with each that comes. */
  get events(): ReadonlyArray<Event.Event> {
    for (let end = this.stdout.indexOf("\n", this.#read); end >= 0; end = this.stdout.indexOf("\n", this.#read)) {
      this.#events.push(decode(JSON.parse(this.stdout.slice(this.#read, end))))
      this.#read = end + 1
    }
    return this.#events
  }

  event<E extends Event.Event["event"]>(
    name: E,
    holds: (event: Extract<Event.Event, { event: E }>) => boolean = () => true
  ): Effect.Effect<Extract<Event.Event, { event: E }>> {
    return this.until(() =>
      this.events.find((event): event is Extract<Event.Event, { event: E }> =>
        event.event === name && holds(event as Extract<Event.Event, { event: E }>)
      )
    )
  }

  get ended(): Effect.Effect<Ended> {
    return this.until(() =>
      this.#code === undefined ? undefined : { code: this.#code, stdout: this.stdout, stderr: this.stderr }
    )
  }

  /** As if typed on its terminal. */
  type(keys: string) {
    return Effect.sync(() => void this.child.stdin?.write(keys))
  }

  kill(signal: NodeJS.Signals) {
    return Effect.sync(() => void this.child.kill(signal))
  }
}

const running = (spawned: () => ChildProcess, patient?: Duration.Input) =>
  Effect.acquireRelease(
    Effect.sync(() => new Running(spawned(), patient)),
    (running, exit) =>
      Effect.sync(() => {
        running.child.kill("SIGKILL")
        if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) process.stderr.write(running.stderr)
      })
  )

const environment = (env: Record<string, string>) => ({ PATH: process.env["PATH"], ...env })

/**
 * Starts the program by another that leads into it, such as one that enters a network namespace. Several that start at once on
 * a busy machine take their time: each wait is `patient` for so long.
 */
export const startBy = (
  [command, ...words]: readonly [string, ...ReadonlyArray<string>],
  args: ReadonlyArray<string>,
  env: Record<string, string>,
  patient: Duration.Input
) =>
  running(() =>
    spawn(command, [...words, process.execPath, main, ...args], {
      env: environment(env),
      stdio: ["ignore", "pipe", "pipe"]
    }), patient)

/** Starts the program; it is killed when the test ends. `stdout` is a file descriptor, where it is not to be read here. */
export const start = (args: ReadonlyArray<string>, env: Record<string, string> = {}, stdout?: number) =>
  running(() =>
    spawn(process.execPath, [main, ...args], {
      env: environment(env),
      stdio: ["ignore", stdout ?? "pipe", "pipe"]
    })
  )

/** Starts a program of a test's own; it is killed when the test ends. */
export const startProgram = (
  file: string,
  env: Record<string, string>,
  args: ReadonlyArray<string> = [],
  patient?: Duration.Input
) =>
  running(
    () => spawn(process.execPath, [file, ...args], { env: environment(env), stdio: ["ignore", "pipe", "pipe"] }),
    patient
  )

/** A program of a test's own in one file, which starts in a quarter of the time: for those that are started often. */
export const bundled = (source: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-"))
        const file = Path.join(folder, "program.mjs")
        const { rolldown } = await import("rolldown")
        const bundle = await rolldown({ input: source, platform: "node" })
        await bundle.write({ file, codeSplitting: false })
        await bundle.close()
        return { file, folder }
      }),
      ({ folder }) => Effect.sync(() => Fs.rmSync(folder, { recursive: true }))
    ),
    ({ file }) => file
  )

/** The same with its standard input open, to type into it. */
export const startTyped = (args: ReadonlyArray<string>, env: Record<string, string>) =>
  running(() => spawn(process.execPath, [main, ...args], { env: environment(env), stdio: ["pipe", "pipe", "pipe"] }))

/** The same on a terminal of its own, which shows its exit code after it. */
export const startOnTerminal = (args: ReadonlyArray<string>, env: Record<string, string>, columns = 80) =>
  running(() =>
    spawn("script", ["-qfc", terminalCommand(args, columns), "/dev/null"], {
      env: environment({ ...env, TERM: "xterm" }),
      stdio: ["pipe", "pipe", "pipe"]
    })
  )

/** Ctrl-C is for the program, and not for the shell that is to tell its exit code. */
const terminalCommand = (args: ReadonlyArray<string>, columns: number): string =>
  `trap : INT; stty cols ${columns}; ${[process.execPath, main, ...args].join(" ")}; printf "[exit %s]" $?`

/** A pipe that is full and that nobody reads. */
export const fullPipe = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-"))
    const path = Path.join(folder, "pipe")
    spawnSync("mkfifo", [path])
    const fd = Fs.openSync(path, Fs.constants.O_RDWR | Fs.constants.O_NONBLOCK)
    for (const size of [4096, 1]) {
      try {
        while (true) Fs.writeSync(fd, "x".repeat(size))
      } catch {
        // Full, to pieces of this size.
      }
    }
    return { fd, folder }
  }),
  ({ fd, folder }) =>
    Effect.sync(() => {
      Fs.closeSync(fd)
      Fs.rmSync(folder, { recursive: true })
    })
)

/** The process that another one has started first, as Linux shows it. */
export const childOf = (pid: number): number | undefined => {
  const [child] = Fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")
  return child === undefined || child === "" ? undefined : Number(child)
}

/** Runs the program to its end. */
export const run = (args: ReadonlyArray<string>, env: Record<string, string> = {}): Effect.Effect<Ended> =>
  Effect.scoped(Effect.flatMap(start(args, env), (running) => running.ended))
