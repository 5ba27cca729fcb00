/**
 * The example of partitions, as its user runs it: three processes on loopback, of which one is killed; and on a simulated network.
 */
import { afterEach, assert, describe, it } from "@effect/vitest"
import { Group, Partitions } from "bellwether"
import { SimulatedGroup } from "bellwether/testing"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Ledger from "../../examples/partitions/Ledger.ts"
import { count, orders, partitionOf } from "../../examples/partitions/Orders.ts"
import * as Process from "./Process.ts"

const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-partitions-"))
const started: Array<Process.Process> = []
const all = Array.from({ length: count }, (_, partition) => partition)

afterEach(async () => {
  for (const one of started) one.kill("SIGKILL")
  await Promise.all(started.map(({ ended }) => ended))
  Fs.rmSync(directory, { recursive: true, force: true })
})

const names = ["one", "two", "three"] as const
type Name = (typeof names)[number]

/** What a process has by what it has said so far. */
const heldBy = (name: Name, said: string): ReadonlyArray<number> =>
  all.filter((partition) => {
    const lines = said.split("\n")
    return lines.lastIndexOf(`${name} has ${partition}`) > lines.lastIndexOf(`${name} lets ${partition} go`)
  })

/** A simulated group of the example: which server has each partition, and what was taken while another had it. */
const simulated = Effect.fnUntraced(function*(seed: string, servers: number, voters: number) {
  const held = new Map<number, string>()
  const faults: Array<string> = []
  const console: Console.Console = {
    ...globalThis.console,
    log: (line: string) => {
      const [, name = "", has, lets] = /^(\S+) (?:has (\d+)|lets (\d+) go)$/.exec(line)!
      if (lets === undefined && held.has(Number(has))) faults.push(line)
      if (lets === undefined) held.set(Number(has), name)
      else held.delete(Number(lets))
    }
  }
  const ledger = Ledger.Ledger.of({ append: () => Effect.void, orders: () => Effect.succeed([]) })
  const group = yield* SimulatedGroup.make({
    servers,
    seed,
    settings: (index) => ({ profile: "fast", leadership: "lease", groupSize: voters, votes: index < voters }),
    app: (server, index) =>
      orders(`n${index}`).pipe(
        Effect.provideService(Group.Group, server.group),
        Effect.provideService(Partitions.Partitions, server.partitions),
        Effect.provideService(Ledger.Ledger, ledger),
        Effect.provideService(Console.Console, console)
      )
  })
  const holders = () => new Set(held.values())
  const untilHeld = group.until("all are held", Effect.sync(() => held.size === count))
  return { group, held, faults, holders, untilHeld }
})

describe("the example of partitions", () => {
  it.runIf(Process.runsTypeScript)(
    "spreads them over three processes, and those of a killed one over the others, which go on where it stopped",
    async () => {
      const start = (name: Name) => {
        const one = Process.start("examples/partitions/main.ts", [name], {
          BELLWETHER_GROUP: `partitions-${process.pid}`,
          BELLWETHER_PORT: String(20_000 + process.pid % 20_000),
          BELLWETHER_INTERFACES: "lo",
          BELLWETHER_TTL: "0",
          ORDERS: directory
        })
        started.push(one)
        return one
      }
      const processes = { one: start("one"), two: start("two"), three: start("three") }
      const heldNow = (among: ReadonlyArray<Name>) =>
        among.flatMap((name) => [...heldBy(name, processes[name].said())]).sort((a, b) => a - b)
      /** Waits, line by line of all, until these have all partitions, each one once. */
      const untilHeld = async (among: ReadonlyArray<Name>) => {
        while (heldNow(among).join() !== all.join()) {
          await Promise.race(among.map((name) => processes[name].line("")))
        }
      }
      await untilHeld(names)
      const killed = names.find((name) => heldBy(name, processes[name].said()).length > 0)!
      const others = names.filter((name) => name !== killed)
      processes[killed].kill("SIGKILL")
      await untilHeld(others)
      for (const name of others) processes[name].kill("SIGTERM")
      for (const name of others) await processes[name].ended

      for (const partition of all) {
        const lines = Fs.readFileSync(Path.join(directory, `${partition}.jsonl`), "utf8").split("\n").filter(Boolean)
        const written = lines.map((line) => JSON.parse(line) as Ledger.Order)
        assert.deepStrictEqual(Ledger.counting(written), written, "nothing was written under a grant that was over")
        assert.deepStrictEqual(written.map(({ number }) => number), written.map((_, at) => at + 1))
      }
    },
    60_000
  )

  it("does not count what a server writes that has lost the partition", () => {
    const order = (token: string, number: number): Ledger.Order => ({ token, by: "", number })
    const [old, late, recent] = [order("1-a-1", 1), order("1-a-1", 2), order("2-b-1", 2)]
    assert.deepStrictEqual(Ledger.counting([old, recent, late]), [old, recent])
  })

  it.effect("sends each customer to one partition, and has each partition on one server", () =>
    Effect.gen(function*() {
      const { faults, group, holders, untilHeld } = yield* simulated("partitions", 3, 3)
      yield* untilHeld
      yield* group.advance("5 seconds")
      assert.strictEqual(holders().size, 3)
      yield* group.stop(1)
      yield* untilHeld
      assert.isFalse(holders().has("n1"))
      assert.deepStrictEqual(faults, [])
      const { partitions } = yield* group.server(0)
      const of = yield* partitionOf("customer 7").pipe(Effect.provideService(Partitions.Partitions, partitions))
      assert.isTrue(all.includes(of))
    }))

  it.effect("gives copies without a vote their share as they come, and takes it back as they go: none of them leads", () =>
    Effect.gen(function*() {
      const { faults, group, held, holders, untilHeld } = yield* simulated("runners", 3, 3)
      yield* untilHeld
      const leader = yield* group.awaitLeader()
      assert.isBelow(leader, 3)
      const [first, second] = [yield* group.add, yield* group.add]
      const extra = [`n${first}`, `n${second}`]
      yield* group.until(
        "they have their share",
        Effect.sync(() => held.size === count && extra.every((one) => holders().has(one)))
      )
      // Without a word: nobody says that it lets go what it had.
      yield* group.kill(first)
      for (const [partition, by] of held) if (by === `n${first}`) held.delete(partition)
      yield* untilHeld
      yield* group.stop(second)
      yield* untilHeld
      assert.isFalse(extra.some((one) => holders().has(one)))
      yield* group.start(first)
      yield* group.until("it is back", Effect.sync(() => holders().has(`n${first}`)))
      assert.deepStrictEqual(faults, [])
      // The same leader all the time: who comes and goes without a vote moves nothing.
      assert.deepStrictEqual(yield* group.leaders, [leader])
      const { leadership } = yield* group.server(first)
      assert.isFalse(yield* leadership.isLeader)
    }))
})
