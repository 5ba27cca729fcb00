/**
 * `npm run bench -- crash [KILLS] [NAME ...]`: five servers as processes on loopback, of which one after the other ends and is
 * started again: how long it takes until all the others agree. Prints a table, and a line of JSON for each kind.
 *
 * Times are those that the servers' events bear, in whole ms, from the signal to the last of the four. A server that ends is
 * only killed when the links have had their time to change. Kinds: see `kinds`.
 */
import * as Effect from "effect/Effect"
import { setTimeout as sleep } from "node:timers/promises"
import { percentile } from "../test/simulation/Figures.ts"
import { freePort } from "./loopback.ts"
import { Running } from "./running.ts"

const size = 5
/** Links change within a second after who is there or who leads did, and are tried again after another. */
const settling = 2_500
const patience = 120_000

/** Who ends, by which signal, among servers with which flags. */
interface Kind {
  readonly who: "leader" | "follower"
  readonly signal: "SIGKILL" | "SIGTERM"
  readonly flags: ReadonlyArray<string>
}

const lease = ["--leadership", "lease", "--group-size", String(size)]

const kinds: Readonly<Record<string, Kind>> = {
  "standard": { who: "leader", signal: "SIGKILL", flags: [] },
  "standard, a follower": { who: "follower", signal: "SIGKILL", flags: [] },
  "standard, SIGTERM": { who: "leader", signal: "SIGTERM", flags: [] },
  "standard, without links": { who: "leader", signal: "SIGKILL", flags: ["--links", "off"] },
  "fast": { who: "leader", signal: "SIGKILL", flags: ["--profile", "fast"] },
  "fast, SIGTERM": { who: "leader", signal: "SIGTERM", flags: ["--profile", "fast"] },
  "fast, lease": { who: "leader", signal: "SIGKILL", flags: ["--profile", "fast", ...lease] },
  "standard, lease": { who: "leader", signal: "SIGKILL", flags: lease }
}

/** The kinds that are measured where none is named: the others take minutes. */
const usual = ["standard", "standard, a follower", "standard, SIGTERM", "fast", "fast, SIGTERM", "fast, lease"]

/** Five of them, which are waited for. */
const group = async (flags: ReadonlyArray<string>) => {
  const port = await Effect.runPromise(freePort)
  const running = new Set<Running>()
  let look = () => {}
  const start = () => void running.add(new Running(port, flags, () => look()))
  const until = <A>(what: () => A | undefined): Promise<A> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`not in agreement after ${patience} ms`)), patience)
      look = () => {
        const found = what()
        if (found === undefined) return
        clearTimeout(late)
        look = () => {}
        resolve(found)
      }
      look()
    })
  const agreed = (servers: ReadonlyArray<Running>) => {
    const leader = servers[0]?.leader
    const ids = new Set(servers.map(({ id }) => id))
    return leader !== undefined && leader !== null && ids.has(leader) && ids.size === servers.length
        && servers.every((one) => one.leader === leader && one.members.size === servers.length - 1)
      ? leader
      : undefined
  }
  for (let at = 0; at < size; at++) start()
  return { running, start, until, agreed }
}

/** Ends one again and again. Gives the ms that each took, and why the others say that it went. */
const measure = async ({ flags, signal, who }: Kind, kills: number) => {
  const { agreed, running, start, until } = await group(flags)
  const took: Array<number> = []
  const reasons: Record<string, number> = {}
  /** Who leads, when nobody else has led for a while. */
  const settled = async (): Promise<string> => {
    const before = await until(() => agreed([...running]))
    await sleep(settling)
    return before === await until(() => agreed([...running])) ? before : settled()
  }
  try {
    for (let kill = 0; kill < kills; kill++) {
      const leader = await settled()
      const candidates = [...running].filter(({ id }) => (id === leader) === (who === "leader"))
      const victim = candidates[kill % candidates.length]!
      running.delete(victim)
      const survivors = [...running]
      const before = survivors.map(({ events }) => events.length)
      const at = Date.now()
      victim.child.kill(signal)
      await until(() => survivors.every(({ members }) => !members.has(victim.id)) ? agreed(survivors) : undefined)
      const told = survivors.flatMap(({ events }, index) => events.slice(before[index]))
      took.push(Math.max(...told.map((event) => event.at)) - at)
      for (const { event, reason } of told) {
        if (event === "MemberRemoved") reasons[reason?._tag ?? ""] = (reasons[reason?._tag ?? ""] ?? 0) + 1
      }
      start()
    }
  } finally {
    for (const { child } of running) child.kill("SIGKILL")
  }
  return { took, reasons }
}

export const crash = async (args: ReadonlyArray<string>): Promise<void> => {
  const kills = Number(args[0] ?? 200)
  const named = args.slice(1)
  if (!Number.isInteger(kills) || kills < 1 || !named.every((name) => name in kinds)) {
    throw new Error(
      `allowed: a number of kills, then any of ${Object.keys(kinds).map((name) => `"${name}"`).join(", ")}`
    )
  }
  console.log("| five servers, ms to agreement | kills | median | 90 % | 99 % | longest | reasons |")
  console.log("| --- | --- | --- | --- | --- | --- | --- |")
  const lines: Array<string> = []
  for (const name of named.length > 0 ? named : usual) {
    const { reasons, took } = await measure(kinds[name]!, kills)
    const figures = [50, 90, 99, 100].map((percent) => percentile(took, percent))
    console.log(`| ${[name, took.length, ...figures, JSON.stringify(reasons)].join(" | ")} |`)
    lines.push(JSON.stringify({ bench: "crash", kind: name, took, reasons }))
  }
  console.log(`\n${lines.join("\n")}`)
}
