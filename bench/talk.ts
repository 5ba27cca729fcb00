/**
 * `npm run bench -- talk [SECONDS] [--key]`: what members say to each other, beside what is published through the leader and a lock. Three
 * servers on loopback, a process each; the first one, which does not lead, talks. Wall-clock figures depend on what else the
 * machine does; the CPU that all three take for one does so much less.
 */
import * as Effect from "effect/Effect"
import { type ChildProcess, fork } from "node:child_process"
import { randomBytes } from "node:crypto"
import { fileURLToPath } from "node:url"
import { freePort } from "./loopback.ts"
import { type Load, loads, type Measured, type Role, run } from "./talkProcess.ts"

const servers = 3

const start = (role: Role): ChildProcess =>
  fork(fileURLToPath(new URL("./run.ts", import.meta.url)), ["talk", JSON.stringify(role)], {
    execArgv: process.execArgv.concat(process.env["BENCH_EXEC_ARGV"]?.split(" ") ?? [])
  })

/** The next thing that a process says. */
const next = <A>(child: ChildProcess) =>
  new Promise<A>((resolve) => child.once("message", (said) => resolve(said as A)))

/** Has all of them do something, and waits until each has. */
const order = <A>(children: ReadonlyArray<ChildProcess>, what: unknown): Promise<ReadonlyArray<A>> => {
  const told = Promise.all(children.map((child) => next<A>(child)))
  for (const child of children) child.send(what as object)
  return told
}

const quantiles = (values: ReadonlyArray<number>) => {
  const sorted = values.toSorted((a, b) => a - b)
  return [0.5, 0.95, 1].map((share) => (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(2))
    .join(" / ")
}

const line = ({ name }: Load, told: ReadonlyArray<Measured>): string => {
  const [talker, ...others] = told
  const { count, millis, took } = talker!
  const cpu = told.reduce((sum, one) => sum + one.cpuMicros, 0) / Math.max(1, count)
  const heard = others.map((one) => one.heard / Math.max(1, count))
  const share = heard.some((one) => one > 0) ? heard.map((one) => `${(100 * one).toFixed(1)} %`).join(", ") : "-"
  return `| ${name} | ${(count * 1_000 / millis).toFixed(0)} | ${cpu.toFixed(0)} | ${quantiles(took)} | ${share} | ${
    talker!.failed
  } |`
}

export const talk = async (args: ReadonlyArray<string>): Promise<void> => {
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
    for (const load of loads) await order<Measured>(children, { load: load.name, millis: 500 })
    console.log("| what | a second | CPU of all, µs each | ms (median / 95 % / most) | heard by the others | failed |")
    console.log("| --- | --- | --- | --- | --- | --- |")
    for (const load of loads) {
      console.log(line(load, await order<Measured>(children, { load: load.name, millis: seconds * 1_000 })))
    }
  } finally {
    await Promise.all(children.map((child) => {
      const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()))
      child.disconnect()
      return gone
    }))
  }
}
