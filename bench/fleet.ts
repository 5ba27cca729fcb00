/**
 * The processes of a bench: servers of one group on loopback, a process each. The bench orders them to do something, and each tells what
 * it measured.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { type ChildProcess, fork } from "node:child_process"
import { randomBytes } from "node:crypto"
import { fileURLToPath } from "node:url"
import * as Group from "../src/server/Group.ts"
import { freePort } from "./loopback.ts"

/** How many servers a fleet has. */
export const servers = 3

/** What one process of a group is. */
export interface Role {
  readonly group: string
  readonly port: number
  readonly name: string
  /** The greatest leads: `servers - 1`. */
  readonly priority: number
  readonly key: string | null
}

/** How long a bench measures, in seconds, and the key of its group, where it is to have one. */
export const read = (args: ReadonlyArray<string>, usualSeconds: number) => {
  const text = args.find((arg) => !arg.startsWith("--")) ?? String(usualSeconds)
  const seconds = Number(text)
  if (!(seconds > 0 && seconds <= 60)) throw new Error(`seconds is ${text}; allowed: a number above 0, at most 60`)
  return { seconds, key: args.includes("--key") ? randomBytes(32).toString("base64") : null }
}

/** Starts a bench as the process of this role: its own is the first argument that such a bench reads. */
export const start = (bench: string, role: Role): ChildProcess =>
  fork(fileURLToPath(new URL("./run.ts", import.meta.url)), [bench, JSON.stringify(role)], {
    execArgv: process.execArgv.concat(process.env["BENCH_EXEC_ARGV"]?.split(" ") ?? [])
  })

/** The role that a bench was started in, if it is a process of one. */
export const roleIn = ([first]: ReadonlyArray<string>): Role | undefined =>
  first?.startsWith("{") === true ? JSON.parse(first) : undefined

/** The next thing that a process tells of which this holds. Fails where it ends first. */
export const told = <A>(child: ChildProcess, isIt: (said: unknown) => said is A): Promise<A> =>
  new Promise((resolve, reject) => {
    const settle = () => {
      child.off("message", hear)
      child.off("exit", end)
    }
    const hear = (said: unknown) => {
      if (!isIt(said)) return
      settle()
      resolve(said)
    }
    const end = () => {
      settle()
      reject(new Error("a process of the bench has ended"))
    }
    child.on("message", hear)
    child.on("exit", end)
  })

const next = <A>(child: ChildProcess) => told(child, (_): _ is A => true)

/** Has processes do something, and waits until each has told what it measured. */
export const order = <A>(children: ReadonlyArray<ChildProcess>, what: object): Promise<ReadonlyArray<A>> => {
  const all = Promise.all(children.map((child) => next<A>(child)))
  for (const child of children) child.send(what)
  return all
}

/** Lets go of processes, and waits until they have ended. */
export const end = (children: ReadonlyArray<ChildProcess>): Promise<unknown> =>
  Promise.all(
    children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null).map((child) => {
      const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()))
      child.disconnect()
      return gone
    })
  )

/** Uses a fleet that has settled, and ends it. */
export const use = async (
  bench: string,
  key: string | null,
  measure: (children: ReadonlyArray<ChildProcess>) => Promise<void>
): Promise<void> => {
  const port = await Effect.runPromise(freePort)
  const group = `bench-${process.pid}`
  const children = Array.from(
    { length: servers },
    (_, at) => start(bench, { group, port, name: `s${at}`, priority: at, key })
  )
  try {
    await Promise.all(children.map(next))
    await measure(children)
  } finally {
    await end(children)
  }
}

/** The settings of a process that follow from its role. */
export const settingsOf = ({ group, key, name, port }: Role) => ({
  group,
  port,
  name,
  interfaces: ["lo"],
  ttl: 0,
  ...key === null ? {} : { key }
})

/** Waits until all are there and follow the one that is to lead. */
export const settled = Group.Group.use(({ changes }) =>
  Stream.runHead(
    Stream.filter(changes, ({ members, reign }) => members.length === servers && reign?.leader.priority === servers - 1)
  )
)

/** Tells the bench something. */
export const tell = (what: unknown) => process.send?.(what)

/** Tells the bench that this process is ready, and does what it is ordered, one after the other, and tells what came of each. */
export const obey = <A, E, R>(does: (order: never) => Effect.Effect<A, E, R>): Effect.Effect<void, E, R> =>
  Stream.callback<never>((queue) =>
    Effect.sync(() => {
      process.on("message", (order) => void Queue.offerUnsafe(queue, order as never))
      tell("ready")
    })
  ).pipe(Stream.runForEach((order) => Effect.map(does(order), tell)))

/** Is a process of a bench until the bench lets go of it. */
export const live = <A, E>(program: Effect.Effect<A, E>): Promise<A> => {
  process.once("disconnect", () => process.exit(0))
  return Effect.runPromise(program)
}
