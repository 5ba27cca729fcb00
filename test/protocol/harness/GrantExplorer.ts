/**
 * Every schedule of a small world of grants: two sessions that want one resource, two reigns, one after the other, and asks and
 * answers under way that come twice, late, in any order, or never. Time goes in steps; by all clocks the same.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as GrantTable from "../../../src/protocol/grants/GrantTable.ts"
import * as Holdings from "../../../src/protocol/grants/Holdings.ts"
import type { Holding, Table } from "../../../src/protocol/model/Grants.ts"
import * as Cluster from "./Cluster.ts"
import * as Peer from "./Peer.ts"

/** What is gone by: functions of the table, and of the holders. */
export interface Rules {
  readonly table: Pick<typeof GrantTable, "open" | "ask" | "expire">
  readonly holder: Pick<typeof Holdings, "ask" | "answered" | "expire" | "released" | "wanting">
  /** In the table of which reign an ask to one is read while one leads: the same, an earlier one, or none. */
  readonly reads: (to: number, leads: number) => number | null
}

export const rules: Rules = {
  table: GrantTable,
  holder: Holdings,
  reads: (to, leads) => to === leads ? leads : null
}

export interface Bounds {
  /** Steps of time: one expiry takes {@link expiry}. */
  readonly time: number
  /** Asks of each session. */
  readonly asks: number
  /** It looks at so many worlds, those first that come soonest. */
  readonly states: number
}

export interface Found {
  readonly states: number
  /** The first thing that was wrong, and how it came to it; null where nothing is. */
  readonly wrong: string | null
}

const expiry = 2
const terms: Holdings.Terms = { drift: 0, stopTimeout: 0 }
const names = ["a", "b"] as const

interface Asked {
  readonly to: "leader"
  readonly who: number
  readonly term: number
  readonly ask: GrantTable.Ask
  readonly isCopy: boolean
}
interface Said {
  readonly to: "holder"
  readonly who: number
  readonly term: number
  readonly seq: number
  readonly answer: GrantTable.Answer
  readonly isCopy: boolean
}
type Flight = Asked | Said

/** What came last, after what came before. */
interface How {
  readonly what: string
  readonly after: How | null
}

const told = (how: How | null): string => how === null ? "" : `${told(how.after)}; ${how.what}`

interface World {
  readonly now: number
  readonly term: number
  /** When the reign of that term began, regardless of its table. */
  readonly since: number
  readonly table: Table
  /** That of the first reign while the second lasts: nothing comes of it. */
  readonly former: Table | null
  readonly holders: ReadonlyArray<Holding>
  readonly follows: ReadonlyArray<number>
  readonly flights: ReadonlyArray<Flight>
  /** The greatest token that was taken. */
  readonly newest: string
  readonly wrong: string | null
  readonly how: How | null
}

const clocks = (now: number) => ({ monotonic: now, wall: now })
const heldBy = (holding: Holding) => Option.getOrUndefined(HashMap.get(holding.held, 0))
const replaced = <A>(all: ReadonlyArray<A>, at: number, by: A) => all.map((one, index) => index === at ? by : one)

/** A world as a text: two that differ in nothing else have one future. */
const keyOf = ({ flights, follows, holders, newest, now, since, table, term }: World): string => {
  const holder = (holding: Holding) => {
    const held = heldBy(holding)
    return [
      holding.seq,
      holding.wanted!.length,
      holding.grantsFrom,
      held === undefined ? 0 : [held.token, held.sentAt.monotonic],
      holding.sent.map(({ at, seq }) => [seq, at.monotonic])
    ]
  }
  const spaces = [...HashMap.values(table.spaces)].map(({ holders, sessions }) => [
    names.map((name) =>
      Option.match(HashMap.get(sessions, name), {
        onNone: () => 0,
        onSome: (one) => [one.seq, one.until, one.arrived, one.wanted!.length]
      })
    ),
    Option.getOrNull(HashMap.get(holders, 0))
  ])
  const under = flights.map((flight) =>
    flight.to === "leader"
      ? `${flight.who} ${flight.term} ${flight.isCopy} ${flight.ask.seq} ${flight.ask.held.join()} ${
        flight.ask.wanted!.join()
      }`
      : `${flight.who} ${flight.term} ${flight.isCopy} ${flight.seq} ${JSON.stringify(flight.answer)}`
  ).sort()
  return JSON.stringify([
    now,
    term,
    since,
    table.since,
    table.grants,
    spaces,
    holders.map(holder),
    follows,
    under,
    newest
  ])
}

const begin = ({ table }: Rules): World => ({
  now: 0,
  term: 1,
  // The first reign has recovered.
  since: -expiry,
  table: { ...table.open(1, 0), since: -expiry },
  former: null,
  holders: names.map((name) => Holdings.make({ space: "lock", count: 1, expiry, wanted: [0], weight: 1 }, name, 0)),
  follows: [1, 1],
  flights: [],
  newest: "",
  wrong: null,
  how: null
})

/** What is over by the clock is held no more; and nothing else may be held by two. */
const settled = ({ holder }: Rules, world: World, how: string): World => {
  const holders = world.holders.map((one) => holder.expire(one, terms, clocks(world.now)).holding)
  const believe = holders.filter((one) => {
    const held = heldBy(one)
    return held !== undefined && Holdings.left(one, held, terms, clocks(world.now)) > 0
  })
  return {
    ...world,
    holders,
    // An answer that is not waited for any more is as good as lost.
    flights: world.flights.filter((flight) =>
      flight.to === "leader"
      || (flight.term === world.follows[flight.who] && holders[flight.who]!.sent.some(({ seq }) => seq === flight.seq))
    ),
    how: { what: how, after: world.how },
    wrong: world.wrong ?? (believe.length > 1 ? "oneHolder" : null)
  }
}

const tick = (world: World, { table }: Rules): World => {
  const now = world.now + 1
  const later = (before: Table) => table.expire(before, now, () => true).table
  return { ...world, now, table: later(world.table), former: world.former && later(world.former) }
}

const ask = (world: World, who: number, { holder }: Rules): World => {
  const holding = holder.ask(world.holders[who]!, clocks(world.now))
  const asked: GrantTable.Ask = {
    id: Peer.id(names[who]!),
    session: holding.session,
    seq: holding.seq,
    space: holding.space,
    count: 1,
    expiry,
    held: Holdings.heldBy(holding),
    ending: Holdings.endingBy(holding),
    wanted: holding.wanted,
    weight: 1,
    isOver: false
  }
  const flight: Flight = { to: "leader", who, term: world.follows[who]!, ask: asked, isCopy: false }
  return { ...world, holders: replaced(world.holders, who, holding), flights: [...world.flights, flight] }
}

const readAsk = (world: World, { ask, term, who }: Asked, { reads, table }: Rules): World => {
  const reign = reads(term, world.term)
  if (reign === null) return world
  const isLeading = reign === world.term
  const outcome = table.ask(isLeading ? world.table : world.former!, ask, world.now, () => true)
  const { answer } = outcome
  const isEarly = isLeading && world.now < world.since + expiry && (answer?.granted ?? []).length > 0
  const after = {
    ...world,
    ...(isLeading ? { table: outcome.table } : { former: outcome.table }),
    wrong: outcome.conflict ? "oneHolder" : isEarly ? "grantsOnlyAfter" : world.wrong
  }
  if (answer === null) return after
  const flight: Flight = { to: "holder", who, term, seq: ask.seq, answer, isCopy: false }
  return { ...after, flights: [...world.flights, flight] }
}

const readAnswer = (world: World, { answer, seq, term, who }: Said, { holder }: Rules): World => {
  if (term !== world.follows[who]) return world
  const token = `${term}-${String(answer.grant).padStart(2, "0")}`
  const change = holder.answered(world.holders[who]!, seq, { ...answer, token }, terms, clocks(world.now))
  if (change === null) return world
  const isTaken = change.granted.length > 0
  const isLost = change.ended.some(({ why }) => why === "Lost")
  return {
    ...world,
    holders: replaced(world.holders, who, change.holding),
    newest: isTaken && token > world.newest ? token : world.newest,
    wrong: world.wrong
      ?? (isTaken && token <= world.newest ? "tokensRise" : isLost ? "reclaimKeeps" : null)
  }
}

/** All that can happen next. */
const next = (world: World, rules: Rules, bounds: Omit<Bounds, "states">): ReadonlyArray<() => World> => {
  const after: Array<() => World> = []
  const add = (to: () => World, how: string) => after.push(() => settled(rules, to(), how))
  if (world.now < bounds.time) add(() => tick(world, rules), "time passes")
  if (world.term === 1) {
    const table = rules.table.open(2, world.now)
    add(() => ({ ...world, term: 2, since: world.now, table, former: world.table }), "another leads")
  }
  for (const [who, holding] of world.holders.entries()) {
    const name = names[who]!
    if (world.follows[who]! < world.term) {
      add(() => ({ ...world, follows: replaced(world.follows, who, world.term) }), `${name} follows`)
    }
    if (holding.seq < bounds.asks) add(() => ask(world, who, rules), `${name} asks`)
    const held = heldBy(holding)
    if (held !== undefined) {
      const released = rules.holder.released(holding, 0, held.token, world.now)
      const free = rules.holder.wanting(released, { wanted: [], weight: 1 }, world.now)
      add(() => ({ ...world, holders: replaced(world.holders, who, free) }), `${name} lets go`)
    } else {
      const wanted = holding.wanted!.length === 0 ? [0] : []
      const other = rules.holder.wanting(holding, { wanted, weight: 1 }, world.now)
      add(
        () => ({ ...world, holders: replaced(world.holders, who, other) }),
        `${name} wants ${wanted.length === 0 ? "nothing" : "it"}`
      )
    }
  }
  for (const [at, flight] of world.flights.entries()) {
    const others = world.flights.filter((_, index) => index !== at)
    const read = (flights: ReadonlyArray<Flight>) =>
      flight.to === "leader"
        ? readAsk({ ...world, flights }, flight, rules)
        : readAnswer({ ...world, flights }, flight, rules)
    const what = flight.to === "leader"
      ? `ask ${flight.ask.seq} of ${names[flight.who]}`
      : `answer ${flight.seq} to ${names[flight.who]}`
    add(() => read(others), `${what} comes`)
    if (!flight.isCopy) add(() => read([...others, { ...flight, isCopy: true }]), `${what} comes, and will again`)
  }
  return after
}

/** Looks at every world that can come to be, those first that come soonest. */
export const explore = (bounds: Bounds, by: Rules = rules): Found => {
  const first = begin(by)
  const seen = new Set([keyOf(first)])
  let front: ReadonlyArray<World> = [first]
  while (front.length > 0) {
    const later: Array<World> = []
    for (const world of front) {
      for (const happen of next(world, by, bounds)) {
        const after = happen()
        if (after.wrong !== null) return { states: seen.size, wrong: `${after.wrong}${told(after.how)}` }
        const key = keyOf(after)
        if (seen.has(key)) continue
        if (seen.size >= bounds.states) return { states: seen.size, wrong: null }
        seen.add(key)
        later.push(after)
      }
    }
    front = later
  }
  return { states: seen.size, wrong: null }
}

/** Goes one way of many: what happens next is drawn. Null where nothing is wrong, or what is and how it came to it. */
export const walk = (seed: number, by: Rules = rules): string | null => {
  const chance = Cluster.random(seed)
  let world = begin(by)
  for (let event = 0; event < 80; event++) {
    const all = next(world, by, { time: 5 * expiry, asks: 24 })
    if (all.length === 0) return null
    world = all[Math.floor(chance() * all.length)]!()
    if (world.wrong !== null) return `${world.wrong}${told(world.how)}`
  }
  return null
}
