/**
 * `npm run bench -- group [PROCESSES] [FAILOVERS]`: how a group behaves as it grows. In virtual time 5 to 200 whole servers on a
 * simulated network, and then as many processes on loopback: the time until all see all and follow one leader, what is sent until
 * then, and what is sent for an election when the leader crashes.
 */
import * as Effect from "effect/Effect"
import { setTimeout as sleep } from "node:timers/promises"
import { VirtualTime } from "../src/testing/index.ts"
import * as World from "../test/simulation/World.ts"
import { freePort } from "./loopback.ts"
import { Running } from "./running.ts"
import * as Spread from "./spread.ts"

const elections: ReadonlySet<string> = new Set(["ELECTION", "OK", "COORDINATOR", "STEPPING_DOWN"])
const sizes = [5, 20, 50, 200]
const patience = 120_000

const show = ({ least, median, most }: Spread.Spread): string =>
  `${Math.round(median)} (${Math.round(least)} to ${Math.round(most)})`

/** One group in virtual time. */
const simulated = (size: number, failovers: number) =>
  VirtualTime.run(Effect.gen(function*() {
    const world = yield* World.make({ seed: size })
    yield* Effect.orDie(world.startAll(size))
    const seeAll = Effect.map(
      Effect.forEach(world.nodes(), ({ group }) => group.members),
      (views) => views.every(({ length }) => length === size)
    )
    const isAgreed = () => world.nodes().some(({ self }) => self.id === world.agreed()?.leader.id)
    while (!(isAgreed() && (yield* seeAll))) yield* World.pass(20)
    const agreed = world.agreedAt()
    const sent = (yield* world.network.counters).sent
    const times: Array<number> = []
    const datagrams: Array<number> = []
    for (let failover = 0; failover < failovers; failover++) {
      yield* World.pass(20_000 + 1_234 * failover)
      const from = yield* world.now
      yield* world.nodes().find(({ self }) => self.id === world.agreed()?.leader.id)!.kill
      while (!isAgreed()) yield* World.pass(20)
      times.push(world.agreedAt() - from)
      yield* World.pass(2_000)
      datagrams.push(world.said.filter(({ at, message }) => at >= from && elections.has(message.type)).length)
    }
    return { size, agreed, sent, failover: Spread.of(times), datagrams: Spread.of(datagrams) }
  }))

const changes: ReadonlySet<string> = new Set(["MemberJoined", "MemberRemoved", "LeaderChanged"])

/** When what it sees or follows last changed. */
const changedAt = ({ events }: Running): number => events.findLast(({ event }) => changes.has(event))?.at ?? 0

/** Waits until all see all and follow one of them; how many ms after `from`, by their own events. */
const untilAgreed = async (servers: ReadonlyArray<Running>, from: number): Promise<number> => {
  const isAgreed = () =>
    servers.every(({ leader, members }) => members.size === servers.length - 1 && leader === servers[0]!.leader)
    && servers.some(({ id }) => id === servers[0]!.leader)
  for (const until = Date.now() + patience; Date.now() < until; await sleep(20)) {
    if (isAgreed()) return Math.max(...servers.map(changedAt)) - from
  }
  return Infinity
}

const processes = async (size: number, failovers: number) => {
  const port = await Effect.runPromise(freePort)
  const from = Date.now()
  let servers = Array.from({ length: size }, () => new Running(port))
  const agreed = await untilAgreed(servers, from)
  const times: Array<number> = []
  for (let failover = 0; failover < failovers; failover++) {
    await sleep(5_000)
    const leader = servers.find(({ id }) => id === servers[0]!.leader)!
    const killed = Date.now()
    leader.child.kill("SIGKILL")
    servers = servers.filter((server) => server !== leader)
    times.push(await untilAgreed(servers, killed))
  }
  for (const { child } of servers) child.kill("SIGTERM")
  return { size, agreed, failover: Spread.of(times) }
}

export const group = async ([size = "50", failovers = "5"]: ReadonlyArray<string>): Promise<void> => {
  const times = Number(failovers)
  process.stdout.write(
    "| servers | agreed, ms | datagrams until then | failover, ms | election datagrams a failover |\n"
  )
  process.stdout.write("| --- | --- | --- | --- | --- |\n")
  const inVirtualTime = []
  for (const size of sizes) {
    const figures = await Effect.runPromise(simulated(size, times))
    inVirtualTime.push(figures)
    const { agreed, datagrams, failover, sent } = figures
    process.stdout.write(`| ${size} in one process | ${agreed} | ${sent} | ${show(failover)} | ${show(datagrams)} |\n`)
  }
  const figures = await processes(Number(size), times)
  process.stdout.write(`| ${figures.size} processes | ${figures.agreed} | | ${show(figures.failover)} | |\n`)
  process.stdout.write(`${JSON.stringify({ bench: "group", inVirtualTime, processes: figures })}\n`)
}
