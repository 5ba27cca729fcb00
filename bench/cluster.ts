/**
 * `npm run bench -- cluster [SECONDS] [--key]`: how long a runner of a cluster waits for the locks of shards, and for a refresh of them:
 * on the leader, and on another server. Three servers on loopback, a process each.
 */
import * as Effect from "effect/Effect"
import { type ChildProcess, fork } from "node:child_process"
import { randomBytes } from "node:crypto"
import { loadavg } from "node:os"
import { fileURLToPath } from "node:url"
import { type Measured, type Order, type Role, run } from "./clusterProcess.ts"
import { freePort } from "./loopback.ts"

const servers = 3

const start = (role: Role): ChildProcess =>
  fork(fileURLToPath(new URL("./run.ts", import.meta.url)), ["cluster", JSON.stringify(role)], {
    execArgv: process.execArgv
  })

/** The next thing that a process says. */
const next = <A>(child: ChildProcess) =>
  new Promise<A>((resolve, reject) => {
    const exit = () => reject(new Error("a runner has ended"))
    child.once("exit", exit)
    child.once("message", (said) => {
      child.off("exit", exit)
      resolve(said as A)
    })
  })

const order = (child: ChildProcess, what: Order): Promise<Measured> => {
  const told = next<Measured>(child)
  child.send(what)
  return told
}

const quantiles = (values: ReadonlyArray<number>): string => {
  const sorted = values.toSorted((a, b) => a - b)
  return [0.5, 0.99].map((share) => (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(2))
    .join(" / ")
}

/** The first measures on the leader, which has the greatest priority. */
const where = [["the leader", servers - 1], ["another", 0]] as const

export const cluster = async (args: ReadonlyArray<string>): Promise<void> => {
  if (args[0]?.startsWith("{") === true) return run(JSON.parse(args[0]))
  const text = args.find((arg) => !arg.startsWith("--")) ?? "3"
  const seconds = Number(text)
  if (!(seconds > 0 && seconds <= 60)) throw new Error(`seconds is ${text}; allowed: a number above 0, at most 60`)
  const key = args.includes("--key") ? randomBytes(32).toString("base64") : null
  const port = await Effect.runPromise(freePort)
  const children = Array.from(
    { length: servers },
    (_, at) => start({ group: `bench-${process.pid}`, port, name: `s${at}`, priority: at, key, servers })
  )
  try {
    await Promise.all(children.map((child) => next(child)))
    // V8 compiles what it will run, and no figure is of that.
    for (const [, at] of where) await order(children[at]!, { shards: 300, millis: 1_500 })
    console.log(`ms (median / 99 %), load ${loadavg()[0]!.toFixed(1)}\n`)
    console.log("| shards | on | acquire | refresh | refreshes | failed |")
    console.log("| --- | --- | --- | --- | --- | --- |")
    for (const shards of [100, 300]) {
      for (const [name, at] of where) {
        const told = await order(children[at]!, { shards, millis: seconds * 1_000 })
        const cells = [shards, name, quantiles(told.acquire), quantiles(told.refresh), told.refresh.length, told.failed]
        console.log(`| ${cells.join(" | ")} |`)
      }
    }
  } finally {
    const running = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    await Promise.all(running.map((child) => {
      const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()))
      child.disconnect()
      return gone
    }))
  }
}
