/** A real Postgres on loopback, in a directory and at a port of the test's own, with what may happen to it. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"

/** Debian keeps its programs out of the path. */
const debian = "/usr/lib/postgresql"
const directories = [
  ...(process.env["PATH"] ?? "").split(delimiter),
  ...(existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, "bin")) : [])
]
const programs = directories.find((directory) =>
  existsSync(join(directory, "initdb")) && existsSync(join(directory, "postgres"))
)

/** In a CI there is no excuse. */
export const skip = programs === undefined && process.env["CI"] !== "true"

export const because = skip ? " (Postgres is not installed)" : ""

export type Client = Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, SqlError.SqlError>

export interface Postgres {
  readonly directory: string
  readonly url: string
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** A pool of its own in each place where it is built. */
  readonly client: Client
  /** The same with other settings, such as another port. */
  readonly clientWith: (settings: PgClient.PgPoolConfig) => Client
  /** SIGKILL of all its processes at once, as when the power fails. */
  readonly kill: Effect.Effect<void>
  /** SIGSTOP of all its processes: connections stay open, and nothing answers. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** Starts it again with what it had on disk, and waits until it answers. */
  readonly start: Effect.Effect<void, unknown>
}

/** Settings that make it quick. A process that is killed loses nothing by them: what was written stays with the kernel. */
const settings = [
  "fsync=off",
  "full_page_writes=off",
  "autovacuum=off",
  "shared_buffers=16MB",
  "max_connections=100",
  "unix_socket_directories=",
  "listen_addresses=127.0.0.1",
  // Its shared memory lies in the directory, and goes with it.
  "dynamic_shared_memory_type=mmap"
]

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Postgres refuses to run as root. */
const owner = (): Owner | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string, user: string) => Number.parseInt(spawnSync("id", [flag, user]).stdout.toString(), 10)
  const user = ["postgres", "nobody"].find((user) => Number.isInteger(id("-u", user)))
  if (user === undefined) throw new Error("There is neither a user postgres nor nobody to run Postgres as.")
  return { uid: id("-u", user), gid: id("-g", user) }
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })

/** Each process of Postgres has a session of its own: a signal to the group of the first would miss the others. */
const childrenOf = (parent: number): ReadonlyArray<number> =>
  readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      // What comes after the name in parentheses: state, parent.
      const after = readFileSync(`/proc/${name}/stat`, "utf8").split(") ").at(-1)!
      return Number(after.split(" ")[1]) === parent ? [Number(name)] : []
    } catch {
      return []
    }
  })

const signalled = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ")
  } catch {
    return false
  }
}

/** The piece of the kernel's shared memory that Postgres knows itself by, and leaves when it is killed. */
export const segmentOf = (data: string): string | undefined => {
  const file = join(data, "postmaster.pid")
  return existsSync(file) ? readFileSync(file, "utf8").split("\n")[6]?.trim().split(/\s+/)[1] : undefined
}

const processes = (args: ReadonlyArray<string>, data: string, as: Owner | undefined) => {
  let first: ChildProcess | undefined
  const isRunning = () => first !== undefined && first.exitCode === null && first.signalCode === null
  /** The first is stopped before: it makes the others. */
  const signal = (signal: NodeJS.Signals): ReadonlyArray<number> => {
    if (!isRunning()) return []
    if (signal !== "SIGCONT") signalled(first!.pid!, "SIGSTOP")
    const all = [...childrenOf(first!.pid!), first!.pid!]
    for (const pid of all) signalled(pid, signal)
    return all
  }
  const start = () => {
    if (!isRunning()) first = spawn(join(programs!, "postgres"), args, { stdio: "ignore", env: {}, ...as })
  }
  const kill = async () => {
    const all = signal("SIGKILL")
    while (isRunning() || all.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const end = async () => {
    await kill()
    const segment = segmentOf(data)
    if (segment !== undefined) spawnSync("ipcrm", ["-m", segment])
  }
  return { start, signal, kill, end }
}

const initialized = (directory: string, password: string, as: Owner | undefined): void => {
  const file = join(directory, "password")
  writeFileSync(file, password)
  if (as !== undefined) { for (const path of [directory, file]) chownSync(path, as.uid, as.gid) }
  const done = spawnSync(
    join(programs!, "initdb"),
    [
      "--no-sync",
      `--pgdata=${join(directory, "data")}`,
      "--username=bellwether",
      `--pwfile=${file}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C"
    ],
    { env: { PATH: process.env["PATH"] }, ...as }
  )
  if (done.status !== 0) throw new Error(`initdb failed: ${done.stderr?.toString() ?? String(done.error)}`)
}

/** It is ended with the scope. */
export const make = Effect.fnUntraced(function*(): Effect.fn.Return<Postgres, unknown, Scope.Scope> {
  const host = "127.0.0.1"
  const user = "bellwether"
  const password = "loopback"
  const database = "postgres"
  const as = owner()
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "bellwether-postgres-"))),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )
  yield* Effect.sync(() => initialized(directory, password, as))
  const port = yield* Effect.promise(freePort)
  const data = join(directory, "data")
  const args = [`-D${data}`, `-p${port}`, ...settings.flatMap((setting) => ["-c", setting])]
  const all = yield* Effect.acquireRelease(
    Effect.sync(() => processes(args, data, as)),
    ({ end }) => Effect.promise(end)
  )
  const clientWith = (settings: PgClient.PgPoolConfig) =>
    PgClient.layer({ host, port, database, username: user, password: Redacted.make(password), ...settings })
  const client = clientWith({})
  const isReady = PgClient.PgClient.use((sql) => sql`SELECT 1`).pipe(Effect.provide(client))
  const start = Effect.sync(all.start).pipe(
    Effect.andThen(Effect.retry(isReady, Schedule.spaced("50 millis").pipe(Schedule.upTo({ times: 400 })))),
    Effect.asVoid
  )
  yield* start
  return {
    directory,
    url: `postgres://${user}:${password}@${host}:${port}/${database}`,
    host,
    port,
    user,
    password,
    database,
    client,
    clientWith,
    kill: Effect.promise(all.kill),
    freeze: Effect.sync(() => void all.signal("SIGSTOP")),
    thaw: Effect.sync(() => void all.signal("SIGCONT")),
    start
  }
})
