/** What a leader knows of what is held (protocol, Grants), beside a slow list of sessions that says the same. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as GrantTable from "../../src/protocol/grants/GrantTable.ts"
import { limits, type Table } from "../../src/protocol/model/Grants.ts"
import * as Resources from "../../src/protocol/model/Resources.ts"
import { GrantModel } from "./harness/GrantModel.ts"
import * as Peer from "./harness/Peer.ts"

const count = 12
const expiry = 100
const isThere = () => true

const ask = (change: Partial<GrantTable.Ask>): GrantTable.Ask => ({
  id: Peer.id("a"),
  session: "a",
  seq: 1,
  space: "jobs",
  count,
  expiry,
  held: [],
  ending: [],
  wanted: null,
  weight: 1,
  isOver: false,
  ...change
})

/** Sessions of three servers: `a` and `b` have two. */
const sessions = ["a", "a2", "b", "b2", "c"] as const
const set = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: count - 1 }))).check(
  Schema.isMaxLength(8)
)

const happening = Schema.Union([
  Schema.Struct({
    do: Schema.Literals(["ask", "ask", "ask"]),
    session: Schema.Literals(sessions),
    /** It says what is so, what it draws, or what is so but for that. */
    says: Schema.Literals(["all", "all", "drawn", "but"]),
    drawn: set,
    /** What it holds no more, and does not let go yet. */
    ending: set,
    wanted: set,
    weight: Schema.Literals([1, 1, 1, 0, 3]),
    isOver: Schema.Literals([false, false, false, false, true]),
    comes: Schema.Literals(["new", "new", "new", "again", "late"])
  }),
  Schema.Struct({ do: Schema.Literals(["wait"]), millis: Schema.Literals([1, 29, 70, expiry]) }),
  Schema.Struct({ do: Schema.Literals(["come and go"]), name: Schema.Literals(["a", "b", "c"]) })
])

const named = (news: ReadonlyArray<GrantTable.Recipient>) => news.map(({ session }) => session).sort()

type Rules = Pick<typeof GrantTable, "ask" | "expire">

/** Goes through all that happens, by the table and by the list. */
const compare = (isShared: boolean, all: ReadonlyArray<typeof happening.Type>, by: Rules = GrantTable): void => {
  const away = new Set<string>()
  const isThere = (id: string) => !away.has(id)
  const model = new GrantModel({ count, expiry, isShared, isThere })
  let table = GrantTable.open(1, 0)
  let now = 0
  let seq = 0
  for (const one of all) {
    if (one.do === "come and go") {
      const id = Peer.id(one.name)
      if (!away.delete(id)) away.add(id)
    } else if (one.do === "wait") {
      now += one.millis
      const { news, table: after } = by.expire(table, now, isThere)
      assert.deepStrictEqual(named(news), model.expire(now))
      table = after
    } else {
      const { comes, drawn, ending, isOver, says, session, wanted, weight } = one
      const so = model.heldBy(session)
      const held = isOver
        ? []
        : says === "all"
        ? so
        : says === "but"
        ? so.filter((resource) => !drawn.includes(resource))
        : drawn
      const asked = ask({
        id: Peer.id(session[0]!),
        session,
        seq: comes === "new" ? ++seq : Math.max(1, model.seqOf(session) - (comes === "late" ? 1 : 0)),
        held: Resources.of(held),
        ending: Resources.of(ending),
        wanted: isShared ? null : Resources.of(wanted),
        weight,
        isOver
      })
      const { answer, conflict, news, table: after } = by.ask(table, asked, now, isThere)
      assert.deepStrictEqual({ answer, conflict, news: named(news) }, model.ask(asked, now))
      table = after
    }
    const [space] = HashMap.values(table.spaces)
    const holders = model.sessions.flatMap(({ held, session }) => held.map((resource) => [resource, session] as const))
    assert.deepStrictEqual(space === undefined ? [] : sorted(HashMap.entries(space.holders)), sorted(holders))
    const bySession = Array.from(
      space?.sessions ?? [],
      ([name, { held }]) => held.map((resource) => [resource, name] as const)
    )
    assert.deepStrictEqual(sorted(bySession.flat()), sorted(holders))
    assert.strictEqual(table.sessions, model.sessions.length)
    assert.strictEqual(GrantTable.dueAt(table), Math.min(Infinity, ...model.sessions.map(({ until }) => until)))
  }
}

const sorted = (all: Iterable<readonly [number, string]>) => Array.from(all).sort(([self], [that]) => self - that)

const spaceOf = (table: Table, name: string) => Option.getOrUndefined(HashMap.get(table.spaces, name))

/** A table in which a session holds besides what it says that it does, if nobody else does. */
const believing = (table: Table, { held, session, space: name }: GrantTable.Ask): Table => {
  const space = spaceOf(table, name)
  if (space === undefined) return table
  const free = held.filter((resource) => !HashMap.has(space.holders, resource))
  const holders = free.reduce((all, resource) => HashMap.set(all, resource, session), space.holders)
  return { ...table, spaces: HashMap.set(table.spaces, name, { ...space, holders }) }
}

const faults: Readonly<Record<string, Rules>> = {
  "what is to move is told while a reign recovers": {
    ...GrantTable,
    ask: (table, asked, now, isThere) => {
      const outcome = GrantTable.ask(table, asked, now, isThere)
      const shares = spaceOf(outcome.table, asked.space)?.shares ?? null
      if (outcome.answer === null || outcome.answer.again === 0 || shares === null) return outcome
      const moving = asked.held.filter((resource) => shares.sessions[resource] !== asked.session)
      return { ...outcome, answer: { ...outcome.answer, moving } }
    }
  },
  "what is said to be held is believed when a reign has recovered": {
    ...GrantTable,
    ask: (table, asked, now, isThere) => GrantTable.ask(believing(table, asked), asked, now, isThere)
  },
  "a server that is not there keeps its share": {
    ask: (table, asked, now) => GrantTable.ask(table, asked, now, isThere),
    expire: (table, now) => GrantTable.expire(table, now, isThere)
  }
}

describe("what a leader knows of what is held (protocol, Grants)", () => {
  const drawn = Arbitrary.array(Arbitrary.schema(happening), { minLength: 20, maxLength: 60 })
  for (const isShared of [true, false]) {
    it.prop(
      `is what a list of its sessions says, of a space that ${isShared ? "is shared" : "they want something of"}`,
      [drawn],
      ([all]) => compare(isShared, all),
      { arbitrary: { runs: 500 } }
    )
  }

  for (const [fault, by] of Object.entries(faults)) {
    it.effect(`is seen to be other than a list says where ${fault}`, () =>
      Effect.gen(function*() {
        const all = yield* Arbitrary.sampleEffect(drawn, { count: 300, seed: 1 })
        assert.throws(() => all.forEach((one) => compare(true, one, by)))
      }))
  }

  it("takes no session and no space too many, and goes on with those it has", () => {
    const lock = { count: 1, wanted: [0] }
    let table = GrantTable.open(1, -expiry)
    const full = (space: string, session: string, seq = 1) => {
      const outcome = GrantTable.ask(table, ask({ ...lock, space, session, seq }), 0, isThere)
      table = outcome.table
      return outcome.answer?.refused === "Full"
    }
    for (let space = 0; space < limits.spaces; space++) assert.isFalse(full(`lock ${space}`, `${space}`))
    assert.isTrue(full("one more", "more"))
    for (let session = limits.spaces; session < limits.sessions; session++) {
      assert.isFalse(full(`lock ${session % 64}`, `${session}`))
    }
    assert.isTrue(full("lock 0", "more"))
    assert.isFalse(full("lock 0", "0", 2))
    table =
      GrantTable.ask(table, ask({ ...lock, space: "lock 0", session: "0", seq: 3, isOver: true }), 0, isThere).table
    assert.isFalse(full("lock 0", "more"))
  })
})
