/**
 * `npm run bench -- messages [SECONDS] [RUNS] [--key] [--json] [--bytes=8192]`: messages through the leader to everybody, on loopback. Three
 * servers and the clients are a process each. Wall-clock figures depend on what else the machine does; the CPU that a message
 * costs all of them together depends on it much less.
 */
import * as Effect from "effect/Effect"
import * as Fleet from "./fleet.ts"
import { freePort } from "./loopback.ts"
import { type Order, type Role, run as runProcess, type Told, usualBytes } from "./messageProcess.ts"
import * as Spread from "./spread.ts"

interface Figures {
  readonly clients: number
  readonly load: string
  readonly perSecond: number
  readonly cpuMicros: number
  /** Of the busiest process, in cores. */
  readonly busiest: number
  readonly acknowledged: ReadonlyArray<number>
  readonly received: ReadonlyArray<number>
  readonly refused: number
  readonly lost: number
  readonly leaderChanges: number
}

const loads: ReadonlyArray<{ readonly name: string; readonly atOnce: Role["atOnce"] }> = [
  { name: "one after the other", atOnce: 1 },
  { name: "64 under way each", atOnce: 64 },
  { name: "flood", atOnce: "flood" }
]

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

const isSettled = (said: unknown): said is { readonly members: number } => {
  const view = said as { readonly members?: number; readonly leader?: number }
  return view.members === Fleet.servers && view.leader === Fleet.servers - 1
}
const isJoined = (said: unknown): said is "joined" => said === "joined"
const isTold = (said: unknown): said is Told => typeof said === "object" && said !== null && "cpuMicros" in said

/** The processes of a group that has settled. */
const group = async (clients: number, atOnce: Role["atOnce"], key: string | null, bytes: number) => {
  const port = await Effect.runPromise(freePort)
  const role = (role: Role["role"], at: number): Role => ({
    role,
    group: `bench-${process.pid}`,
    port,
    name: `${role[0]}${at}`,
    priority: at,
    atOnce,
    key,
    bytes
  })
  const serving = Array.from({ length: Fleet.servers }, (_, at) => Fleet.start("messages", role("server", at)))
  await Promise.all(serving.map((child) => Fleet.told(child, isSettled)))
  const sending = Array.from({ length: clients }, (_, at) => Fleet.start("messages", role("client", at)))
  await Promise.all(sending.map((child) => Fleet.told(child, isJoined)))
  return [...serving, ...sending]
}

const measure = async (
  clients: number,
  load: typeof loads[number],
  seconds: number,
  key: string | null,
  bytes: number
): Promise<Figures> => {
  const all = await group(clients, load.atOnce, key, bytes)
  const tell = (order: Order) => all.forEach((child) => child.send(order))
  try {
    tell("send")
    await sleep(1_000)
    tell("measure")
    const began = performance.now()
    await sleep(seconds * 1_000)
    const telling = Promise.all(all.map((child) => Fleet.told(child, isTold)))
    tell("tell")
    const elapsed = performance.now() - began
    const told = await telling
    const sum = (of: (one: Told) => number) => told.reduce((total, one) => total + of(one), 0)
    const count = sum((one) => one.count)
    return {
      clients,
      load: load.name,
      perSecond: count / elapsed * 1_000,
      cpuMicros: sum((one) => one.cpuMicros) / Math.max(1, count),
      busiest: Math.max(...told.map((one) => one.cpuMicros)) / 1_000 / elapsed,
      acknowledged: told.flatMap((one) => one.acknowledged),
      received: told.flatMap((one) => one.received),
      refused: sum((one) => one.refused),
      lost: sum((one) => one.lost),
      leaderChanges: sum((one) => one.leaderChanges)
    }
  } finally {
    await Fleet.end(all)
  }
}

const quantiles = (values: ReadonlyArray<number>) => Spread.quantiles(values, [0.5, 0.95, 1])
const times = (values: ReadonlyArray<number>) => quantiles(values).map((ms) => ms.toFixed(1)).join(" / ")

/** The figures of the run in the middle, with the range of all. */
const line = (runs: ReadonlyArray<Figures>): string => {
  const sorted = runs.toSorted((a, b) => a.perSecond - b.perSecond)
  const middle = sorted[Math.floor(sorted.length / 2)]!
  const range = (of: (one: Figures) => number) => {
    const all = runs.map(of)
    return `${of(middle).toFixed(0)} (${Math.min(...all).toFixed(0)}-${Math.max(...all).toFixed(0)})`
  }
  const { acknowledged, busiest, clients, leaderChanges, load, lost, received, refused } = middle
  return `| ${clients} | ${load} | ${range((one) => one.perSecond)} | ${range((one) => one.cpuMicros)} | ${
    busiest.toFixed(2)
  } | ${times(acknowledged)} | ${times(received)} | ${refused} | ${lost} | ${leaderChanges} |`
}

const told = ({ acknowledged, received, ...figures }: Figures) =>
  JSON.stringify({ ...figures, acknowledged: quantiles(acknowledged), received: quantiles(received) })

export const messages = async (args: ReadonlyArray<string>): Promise<void> => {
  const role = Fleet.roleIn(args)
  if (role !== undefined) return runProcess(role as Role)
  const { key, seconds } = Fleet.read(args, 5)
  const [, often = "3", ...only] = args.filter((arg) => !arg.startsWith("--"))
  const runs = Number(often)
  if (!(runs >= 1 && runs <= 20)) throw new Error(`runs is ${often}; allowed: 1 to 20`)
  const isJson = args.includes("--json")
  const bytes = Number(args.find((arg) => arg.startsWith("--bytes="))?.slice("--bytes=".length) ?? usualBytes)
  if (!(bytes >= usualBytes && bytes <= 65_536)) throw new Error(`bytes is ${bytes}; allowed: ${usualBytes} to 65536`)
  if (!isJson) {
    console.log(
      "| clients | load | messages/s (range) | CPU of all, µs a message (range) | busiest process, cores | acknowledged, ms | received, ms | refused | lost | leader changes |"
    )
    console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
  }
  for (const clients of [1, 10]) {
    for (const load of loads) {
      if (only.length > 0 && !only.includes(`${clients}x${load.atOnce}`)) continue
      const all: Array<Figures> = []
      for (let at = 0; at < runs; at++) {
        const figures = await measure(clients, load, seconds, key, bytes)
        if (isJson) console.log(told(figures))
        all.push(figures)
      }
      if (!isJson) console.log(line(all))
    }
  }
}
