/**
 * `npm run bench -- idle [SECONDS]`: what a server costs that has nothing to do: the program as it was built, five of it in a
 * group on loopback, default settings but for what a row names. Twenty seconds after their start it is measured for so long (60).
 *
 * CPU, wake-ups and memory are those of one server: the median of the five, with the least and the greatest. Needs Linux.
 */
import * as Effect from "effect/Effect"
import { setTimeout as sleep } from "node:timers/promises"
import { environment, freePort } from "./loopback.ts"
import * as Usage from "./usage.ts"

const size = 5
const settling = 20_000

const rows: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  standard: {},
  fast: { BELLWETHER_PROFILE: "fast" },
  realtime: { BELLWETHER_PROFILE: "realtime" },
  "lease, fast": { BELLWETHER_PROFILE: "fast", BELLWETHER_LEADERSHIP: "lease", BELLWETHER_GROUP_SIZE: String(size) }
}

const measure = async (settings: Readonly<Record<string, string>>, seconds: number) => {
  const port = await Effect.runPromise(freePort)
  const children = Array.from({ length: size }, (_, index) =>
    Usage.start(["serve", "--json"], {
      env: { ...environment(port), ...settings, BELLWETHER_PRIORITY: String(index) },
      stdio: ["ignore", "ignore", "inherit"]
    }))
  await sleep(settling)
  const before = children.map(({ pid }) => Usage.of(pid!))
  await sleep(seconds * 1_000)
  const after = children.map(({ pid }) => Usage.of(pid!))
  await Usage.end(children)
  return after.map(({ cpu, own, resident, wakes }, index) => ({
    cpu: (cpu - before[index]!.cpu) * 60 / seconds,
    wakes: (wakes - before[index]!.wakes) / seconds,
    resident,
    own
  }))
}

/** Prints a line of JSON a row, and a table at the end. */
export const idle = async (args: ReadonlyArray<string>): Promise<void> => {
  const seconds = Number(args[0] ?? 60)
  if (!Number.isInteger(seconds) || seconds < 1) {
    throw new Error(`seconds are ${args[0]}; allowed: a whole number above 0`)
  }
  const lines = []
  for (const [name, settings] of Object.entries(rows)) {
    const servers = await measure(settings, seconds)
    console.log(JSON.stringify({ name, seconds, servers }))
    const cells = [
      Usage.spread(servers.map(({ cpu }) => cpu), 3),
      Usage.spread(servers.map(({ wakes }) => wakes), 1),
      Usage.spread(servers.map(({ resident }) => resident)),
      Usage.spread(servers.map(({ own }) => own))
    ]
    lines.push(`| ${name} | ${cells.join(" | ")} |`)
  }
  console.log("\n| settings | CPU, s/min | wake-ups/s | memory, MiB | its own |\n| --- | --- | --- | --- | --- |")
  console.log(lines.join("\n"))
}
