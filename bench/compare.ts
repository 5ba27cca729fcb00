/**
 * `npm run bench -- compare [rounds] [NAME ...]`: this project's profiles and node-discover side by side, in one run: five hosts in
 * network namespaces, a server on each. Needs root, iproute2 and iptables.
 *
 * Each figure is the median of all rounds, with the least and the greatest; times in seconds. A time ends when the last server
 * says by its own clock, in whole ms, that it has come to what all agree on.
 *
 * - kill -9, cut off, SIGTERM: from the deed upon the leader until all others follow one of themselves.
 * - cold start: from the start of the first of five until all see all, and follow one.
 * - heal: from the deed until all five follow one.
 * - CPU, wake-ups, memory: of one server, the mean of five, in half a minute in which nothing happens.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Lan from "../test/network/Lan.ts"
import { type Contender, contenders } from "./compare/contenders.ts"
import * as Group from "./compare/lan.ts"
import * as Usage from "./usage.ts"

const size = 5
const idleFor = 30_000
/** How long an agreement must last to be one, in ms. */
const stays = 500

const rows = ["kill -9", "cut off", "heal", "SIGTERM", "cold start", "CPU, s/min", "wake-ups/s", "memory, MiB"] as const
type Row = (typeof rows)[number]
type Figures = Partial<Record<Row, number>>

type Servers = Array<Group.Server>

const startAll = (group: Group.Group) => Effect.forEach(Array.from({ length: size }, (_, index) => index), group.start)

const agreed = (servers: Servers) => Group.until(() => Group.isAgreed(servers), stays)

const leaderIndex = (servers: Servers): number => servers.findIndex(({ name }) => name === Group.leaderOf(servers))

/** What is done to the leader, and how long it takes the others to follow another: in seconds. */
const lose = Effect.fnUntraced(function*(
  servers: Servers,
  deed: (leader: Group.Server, index: number) => Effect.Effect<unknown>
) {
  yield* agreed(servers)
  const index = leaderIndex(servers)
  const leader = servers[index]!
  const others = servers.filter((_, at) => at !== index)
  const begun = yield* Clock.currentTimeMillis
  yield* deed(leader, index)
  yield* Group.until(() => {
    const next = Group.leaderOf(others)
    return next !== undefined && next !== leader.name
  }, stays)
  return { index, seconds: (Group.since(others, ({ leader }) => leader) - begun) / 1_000 }
})

const signal = (name: NodeJS.Signals) => (leader: Group.Server) => Effect.sync(() => void leader.process.kill(name))

const restart = Effect.fnUntraced(function*(group: Group.Group, servers: Servers, index: number) {
  servers[index] = yield* group.start(index)
  yield* agreed(servers)
})

const usage = ({ process: { pid } }: Group.Server): Usage.Usage => Usage.of(pid!)

const idle = Effect.fnUntraced(function*(servers: Servers) {
  const before = servers.map(usage)
  yield* Effect.sleep(idleFor)
  const after = servers.map(usage)
  const mean = (of: (usage: Usage.Usage) => number) =>
    after.reduce((sum, usage, index) => sum + of(usage) - of(before[index]!), 0) / servers.length
  return {
    "CPU, s/min": mean(({ cpu }) => cpu) * 60_000 / idleFor,
    "wake-ups/s": mean(({ wakes }) => wakes) * 1_000 / idleFor,
    "memory, MiB": after.reduce((sum, { resident }) => sum + resident, 0) / servers.length
  }
})

const round = Effect.fnUntraced(function*(contender: Contender): Effect.fn.Return<Figures, Group.InVain, Scope.Scope> {
  const group = yield* Group.make(contender, size)
  const begun = yield* Clock.currentTimeMillis
  const servers = yield* startAll(group)
  yield* agreed(servers)
  const cold = (Group.since(servers, ({ leader, sees }) => `${leader} ${sees}`) - begun) / 1_000
  const costs = yield* idle(servers)
  const killed = yield* lose(servers, signal("SIGKILL"))
  yield* restart(group, servers, killed.index)
  const stopped = yield* lose(servers, signal("SIGTERM"))
  yield* restart(group, servers, stopped.index)
  const cut = yield* lose(servers, (_, index) => group.cut(index))
  const healed = yield* Clock.currentTimeMillis
  yield* group.heal(cut.index)
  yield* agreed(servers)
  const heal = Math.max(0, Group.since(servers, ({ leader }) => leader) - healed) / 1_000
  return {
    "kill -9": killed.seconds,
    "SIGTERM": stopped.seconds,
    "cut off": cut.seconds,
    heal,
    "cold start": cold,
    ...costs
  }
}, Effect.scoped)

const shown = (value: number) => value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3)

const spread = (values: ReadonlyArray<number>): string => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted.length === 0
    ? "-"
    : `${shown(sorted[Math.floor(sorted.length / 2)]!)} (${shown(sorted[0]!)}-${shown(sorted.at(-1)!)})`
}

/** Prints the figures as JSON, a line a round, and as a table at the end. */
export const compare = async (args: ReadonlyArray<string>): Promise<void> => {
  const [first = "3", ...names] = args
  const rounds = Number(first)
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`rounds is ${first}; allowed: a whole number above 0`)
  if (Lan.skip) throw new Error(`hosts cannot be made here: ${Lan.obstacle}`)
  const chosen = contenders.filter(({ name }) => names.length === 0 || names.some((part) => name.includes(part)))
  const all = new Map(chosen.map((contender): [Contender, Array<Figures>] => [contender, []]))
  for (let at = 1; at <= rounds; at++) {
    for (const [contender, figures] of all) {
      // One that does not come to an agreement, as on a host that is too busy for its times, goes on with the next round.
      const made = await Effect.runPromise(Effect.orElseSucceed(round(contender), (): Figures => ({})))
      figures.push(made)
      console.log(JSON.stringify({ round: at, contender: contender.name, ...made }))
    }
  }
  console.log(`\n| | ${chosen.map(({ name }) => name).join(" | ")} |\n|${" --- |".repeat(chosen.length + 1)}`)
  for (const row of rows) {
    const cells = [...all.values()].map((figures) =>
      spread(figures.flatMap(({ [row]: value }) => value === undefined ? [] : [value]))
    )
    console.log(`| ${row} | ${cells.join(" | ")} |`)
  }
}
