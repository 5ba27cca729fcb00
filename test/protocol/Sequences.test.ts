/**
 * What holds after any sequence of inputs, said by anyone, in any order, and however time goes.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as ElectionContext from "../../src/protocol/election/ElectionContext.ts"
import type * as Client from "../../src/protocol/model/Client.ts"
import * as Event from "../../src/protocol/model/Event.ts"
import * as Member from "../../src/protocol/model/Member.ts"
import type * as Message from "../../src/protocol/model/Message.ts"
import type { Body } from "../../src/protocol/model/Output.ts"
import * as Reign from "../../src/protocol/model/Reign.ts"
import type { State } from "../../src/protocol/model/State.ts"
import * as Timers from "../../src/protocol/model/Timers.ts"
import * as Timing from "../../src/protocol/model/Timing.ts"
import * as Step from "../../src/protocol/Step.ts"
import * as Frame from "../../src/protocol/wire/Frame.ts"
import * as Drawn from "./harness/Drawn.ts"
import * as Peer from "./harness/Peer.ts"
import { Server } from "./harness/Server.ts"

const names = ["a", "b", "y", "z"] as const
const anyone = Schema.Literals([...names, "m"])
const chance = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 99 }))

/** Terms are drawn as what they are to the server at that moment, or they would never meet. */
const term = Schema.Literals(["tiny", "last", "before last", "heard", "heard + 1", "huge"])

const Said = Schema.Struct({
  type: Schema.Literals(Drawn.types),
  sender: anyone,
  incarnation: Schema.Literals([1_000, 1_000, 1_000, 1_000, 999, 1_001]),
  revision: Schema.Literals([0, 0, 0, 0, 1, 2]),
  leader: Schema.Literals(["none", "sender", "sender", ...names, "m"]),
  leaderIncarnation: Schema.Literals([1_000, 1_000, 1_000, 999, 1_001]),
  lie: Schema.Literals(["none", "none", "none", "none", "priority", "address"]),
  term,
  heard: term,
  about: anyone,
  from: Schema.Literals(["itself", "itself", "itself", "itself", "elsewhere", "m"]),
  via: Schema.Literals(["multicast", "multicast", "unicast"]),
  nonce: Schema.Literals(["of our probe", "of our question", "another"]),
  standing: Schema.Literals(["ours", "another"]),
  page: Schema.Literals([0, 0, 1]),
  election: Schema.Literals(["", "", "", "other"]),
  cause: Schema.Literals(["none", "none", "Transferred", "Stalled", "LaterVersion"]),
  client: Schema.Literals(["ann", "bob"]),
  seq: Schema.Literals([1, 2, 3, 4, 70]),
  oldest: Schema.Literals([1, 1, 2, 4]),
  index: Schema.Literals([1, 2, 3, 9]),
  missed: Schema.Literals(["indexes", "messages"])
})

const named = Schema.Literals(["", "", "other"])

const act = Schema.Union([
  Schema.Struct({ do: Schema.Literals(["hear", "hear", "hear"]), said: Said }),
  Schema.Struct({
    do: Schema.Literals(["advance"]),
    millis: Schema.Literals([1, 5, 25, 100, 300, 1_000, 2_600, 16_000, 31_000])
  }),
  Schema.Struct({ do: Schema.Literals(["freeze"]), millis: Schema.Literals([50, 400, 6_000, 40_000]) }),
  Schema.Struct({
    do: Schema.Literals(["Heartbeat", "Sweep", "Discover", "CheckPause", "Due"])
  }),
  Schema.Struct({
    do: Schema.Literals(["WorkEnded", "WorkFinished", "WorkGivenUp", "WorkOffered", "Resign"]),
    election: named
  }),
  Schema.Struct({ do: Schema.Literals(["Refused", "NotAsked"]), whom: anyone }),
  Schema.Struct({
    do: Schema.Literals(["Describe"]),
    priority: Schema.Literals([-2, 0, 0, 7]),
    zone: Schema.Literals(["a", "b"])
  }),
  Schema.Struct({ do: Schema.Literals(["Transfer"]), election: named, to: anyone }),
  Schema.Struct({ do: Schema.Literals(["StepDown"]), election: named, millis: Schema.Literals([1, 500, 60_000]) }),
  Schema.Struct({ do: Schema.Literals(["WorkOverran"]), election: named, term: Schema.Literals(["own", "another"]) }),
  Schema.Struct({
    do: Schema.Literals(["Campaign", "Campaign", "Withdraw"]),
    election: Schema.Literals(["other", "third"])
  }),
  Schema.Struct({ do: Schema.Literals(["Publish"]), bytes: Schema.Literals([1, 600, 40_000]) }),
  Schema.Struct({ do: Schema.Literals(["Unpublish"]) }),
  Schema.Struct({ do: Schema.Literals(["Question"]), to: anyone, number: Schema.Literals([1, 2, 3]) }),
  Schema.Struct({ do: Schema.Literals(["Leave"]), really: chance })
])
type Act = typeof act.Type

const life = Arbitrary.all({
  acts: Arbitrary.array(Arbitrary.schema(act), { minLength: 10, maxLength: 80 }),
  timing: Arbitrary.schema(Schema.Struct({
    preempt: Schema.Literals([true, true, false]),
    stableAfter: Schema.Literals([0, 0, 5_000]),
    minimumMembers: Schema.Literals([1, 1, 3]),
    lease: Schema.Literals(["none", "none", "one", "three"]),
    profile: Schema.Literals(["standard", "fast", "realtime"]),
    work: Schema.Literals([0, 300, "by hand"])
  }))
})
const leases = {
  none: null,
  one: { groupSize: 1, duration: 1_500, drift: 0.01 },
  three: { groupSize: 3, duration: 1_500, drift: 0.01 }
}
type Life = typeof life extends Arbitrary.Arbitrary<infer A> ? A : never

/** A member's rank is that of its name, but for one that has a priority, and where it has changed that. */
const peer = (name: string, incarnation: number, revision = 0): Member.Member =>
  Peer.member(name, { incarnation, revision, priority: (name === "b" ? 5 : 0) + 3 * (revision % 2) - revision })

/** A reign without the priority that it began with: who tells of its leader tells of it as it is now. */
const unranked = <A extends { readonly reign: Reign.Reign | null } | null>(of: A) =>
  of === null || of.reign === null ? of : { ...of, reign: { ...of.reign, leader: { ...of.reign.leader, priority: 0 } } }

const by = { user: "ann", host: "desk" }

/** A client, or in place of one of them this server's own publisher, if it has one. */
const clientOf = (server: Server, name: string): Client.ClientId =>
  name === "ann" ? server.state.publisher?.client.id ?? Peer.sender(name).id : Peer.sender(name).id

const compose = (server: Server, said: typeof Said.Type): Message.Message => {
  const { heard, last } = server.state.election
  const terms = {
    tiny: 3,
    last: last?.term ?? 0,
    "before last": Math.max(0, (last?.term ?? 0) - 1),
    heard,
    "heard + 1": heard + 1,
    huge: heard + 100_000
  }
  const sender = peer(said.sender, said.incarnation, said.revision)
  const honest = said.leader === "sender" ? sender : peer(said.leader, said.leaderIncarnation)
  const lied = { ...honest, ...(said.lie === "priority" ? { priority: 9 } : said.lie === "address" ? { port: 9 } : {}) }
  const follows = said.leader === "none" ? undefined : Reign.make(terms[said.term], lied)
  const { activity, claim } = server.state.election
  const lease = server.state.timing.lease ?? leases.three
  const standing = said.standing === "ours" && activity._tag === "Standing" ? activity.standing : 7
  const question = [...HashMap.values(server.state.tombstones)].find(({ nonce }) => nonce !== "")?.nonce
    ?? [...HashMap.values(server.state.checks)][0]?.nonce
  const nonce =
    (said.nonce === "of our probe" ? server.state.probe : said.nonce === "of our question" ? question : "77") || "77"
  const { election } = said
  const to = Peer.id(said.about)
  const cause = said.cause === "none" ? {} : { cause: said.cause }
  const bodies: { readonly [Type in Message.FromServer["type"]]: Extract<Body, { readonly type: Type }> } = {
    SERVER_ALIVE: { type: "SERVER_ALIVE", interval: 10_000 },
    SERVER_PROBE: { type: "SERVER_PROBE", nonce },
    SERVER_RESPONSE: { type: "SERVER_RESPONSE", nonce, interval: 500 },
    PATH_PROBE: {
      type: "PATH_PROBE",
      origin: { id: Peer.id(said.about), incarnation: said.leaderIncarnation },
      nonce: said.nonce === "another"
        ? "ab"
        : server.state.pathProbes.nonce === ""
        ? "ac"
        : server.state.pathProbes.nonce,
      over: said.seq % 4
    },
    CRASHED: { type: "CRASHED", gone: { id: Peer.id(said.about), incarnation: said.leaderIncarnation } },
    EVICTED: { type: "EVICTED", gone: { id: Peer.id(said.about), incarnation: said.leaderIncarnation }, by },
    SERVER_LEAVING: { type: "SERVER_LEAVING" },
    ELECTION: {
      type: "ELECTION",
      election,
      standing: server.state.timing.lease === null ? standing : terms[said.term],
      ...(said.page === 0 && server.state.timing.lease !== null ? { lease } : {})
    },
    OK: { type: "OK", election, standing, to },
    VOTE: {
      type: "VOTE",
      election,
      standing,
      incarnation: said.incarnation,
      granted: said.nonce !== "another",
      promised: standing,
      boundTo: to,
      remaining: 5
    },
    BEAT: { type: "BEAT", election, claim: terms[said.term], beat: said.page, lease },
    BEAT_ACK: {
      type: "BEAT_ACK",
      election,
      claim: claim?.term ?? 7,
      beat: Math.max(0, (claim?.beat ?? 1) - said.page),
      incarnation: said.incarnation
    },
    RELEASE: { type: "RELEASE", election, claim: terms[said.term] },
    COORDINATOR: { type: "COORDINATOR", election, ...cause },
    STEPPING_DOWN: { type: "STEPPING_DOWN", election, successor: said.about === "a" ? null : to, ...cause },
    CLIENT_WELCOME: { type: "CLIENT_WELCOME", nonce, members: 3 },
    RUN_MARK: { type: "RUN_MARK", nonce, leadership: election, job: "job", begun: said.seq, done: said.page },
    RUN_MARKED: {
      type: "RUN_MARKED",
      nonce: server.state.runs.asking[0]?.nonce ?? nonce,
      begun: said.seq,
      done: said.page
    },
    CLIENT_ACK: { type: "CLIENT_ACK", client: clientOf(server, said.client), seq: said.seq },
    CLIENT_REFUSED: { type: "CLIENT_REFUSED", client: clientOf(server, said.client), seq: said.seq, older: ["old"] }
  }
  const promises = [
    { election, term: terms[said.term], to: { id: to, incarnation: said.incarnation }, heard: terms[said.heard] }
  ]
  switch (said.type) {
    case "WITNESS_ASK":
      return {
        type: "WITNESS_ASK",
        from: { id: Peer.id(said.sender), incarnation: said.incarnation },
        nonce: "77",
        within: 16_000,
        missed: [{ id: Peer.id(said.about), incarnation: 1_000 }]
      }
    case "WITNESS":
      return {
        type: "WITNESS",
        from: { id: Peer.id(said.sender), incarnation: said.incarnation },
        nonce: server.state.witnesses.nonce || "77",
        heard: [{ id: Peer.id(said.about), ago: said.page * 9_000 }]
      }
    case "COMMAND":
      return {
        type: "COMMAND",
        nonce: said.nonce === "another" ? "1" : "2",
        to: { id: Peer.id(said.sender), incarnation: server.state.self.incarnation },
        what: (["Resign", "StepDown", "Transfer", "Evict"] as const)[said.seq % 4]!,
        election,
        for: 500,
        member: { id: Peer.id(said.about), incarnation: said.leaderIncarnation },
        by
      }
    case "COMMAND_DONE":
      return { type: said.type, nonce: "1", from: { id: Peer.id(said.sender), incarnation: 1_000 }, outcome: "Done" }
    case "MEMBERS_ASK":
      return { type: "MEMBERS_ASK", nonce: "77", page: said.page }
    case "MEMBERS":
      return Peer.members(
        said.sender,
        names.map((name) => peer(name, 1_000)).concat(peer(said.about, said.incarnation)),
        {
          nonce: server.state.paging?.nonce ?? "77",
          page: said.page,
          of: 2
        }
      )
    case "HANDOVER_OFFER":
      return { type: said.type, server: Peer.id(said.about), start: nonce, lease }
    case "HANDOVER_ACCEPT":
      return { type: said.type, start: server.state.handover.start || "1", key: "88" }
    case "HANDOVER":
      return { type: said.type, key: server.state.kept[0]?.key ?? "88", page: 0, of: 1, promises }
    case "HANDOVER_KEPT":
      return { type: said.type, key: "88" }
    case "PROMISES_ASK":
      return { type: said.type, server: Peer.id(said.about), start: "99" }
    case "PROMISES":
      return {
        type: said.type,
        start: server.state.handover.start || "1",
        key: "88",
        lease,
        page: 0,
        of: 1,
        promises
      }
    case "CLIENT_JOIN":
      return Peer.joins(said.client, { seq: said.page })
    case "CLIENT_MESSAGE":
      return {
        ...Peer.sends(said.client, said.seq, { oldest: said.oldest }),
        ...said.page === 0 ? {} : { refused: said.index, topic: "orders" }
      }
    case "CLIENT_DELIVER":
      return Peer.delivers(honest.name, terms[said.term], said.index, said.client, said.seq, said.sender)
    case "CLIENT_REPAIR": {
      const { id } = Peer.sender(said.client)
      const missed = said.missed === "messages" ? { client: id } : { term: terms[said.term], leader: honest.id }
      return Peer.misses(missed, said.index, said.index + said.page)
    }
    case "CLIENT_LEAVE":
      return { type: "CLIENT_LEAVE", client: Peer.sender(said.client) }
    case "TALK":
    case "QUESTION":
    case "ANSWER":
    case "PARTS_ASK":
      return talk(server, said)
    case "GRANTS_ASK":
    case "GRANTS_SAY":
    case "GRANTS_NEWS":
      return grants(server, said)
    default:
      return Peer.says(sender, bodies[said.type], {
        follows,
        term: terms[said.term],
        heard: terms[said.heard],
        delivered: said.index
      })
  }
}

/** What a member asks to hold, or is said to hold. */
const grants = (server: Server, said: typeof Said.Type): Message.Message => {
  const from = { id: Peer.id(said.sender), incarnation: said.incarnation }
  const term = server.state.election.reign?.term ?? 7
  const [own] = HashMap.values(server.state.grants.holdings)
  const about = { from, term, session: own?.session ?? "5e55", seq: said.seq }
  switch (said.type) {
    case "GRANTS_ASK":
      return {
        type: "GRANTS_ASK",
        ...about,
        session: `5e55${names.indexOf(said.sender as "a") + 1}`,
        space: "jobs",
        count: 8,
        expiry: 6_000,
        held: said.page % 2 === 0 ? "" : "BA",
        ...(said.oldest % 3 === 0 ? { wanted: "BQ" } : {}),
        ...(said.oldest % 5 === 0 ? { over: true as const } : {})
      }
    case "GRANTS_SAY":
      return { type: "GRANTS_SAY", ...about, granted: "Bw", grant: said.seq, lost: "BA", moving: "Ag" }
    default:
      return { type: "GRANTS_NEWS", from, term, session: about.session }
  }
}

/** What a member says on a topic, asks or answers. */
const talk = (server: Server, said: typeof Said.Type): Message.Message => {
  const from = { id: Peer.id(said.sender), incarnation: said.incarnation }
  const to = { id: server.state.self.id, incarnation: server.state.self.incarnation }
  const between = { from, to, seq: said.seq }
  switch (said.type) {
    case "QUESTION":
      return { ...between, type: "QUESTION", oldest: said.oldest, question: "load", part: said.page, of: 2, text: "1" }
    case "ANSWER":
      return { ...between, type: "ANSWER", outcome: "Done", text: "1" }
    case "PARTS_ASK":
      return { ...between, type: "PARTS_ASK", what: said.page === 0 ? "question" : "answer", missing: [said.page] }
    default:
      return { type: "TALK", from, seq: said.seq, topic: "orders", body: said.seq }
  }
}

const perform = (server: Server, act: Act): void => {
  switch (act.do) {
    case "hear": {
      const { from, sender, via } = act.said
      const address = from === "elsewhere" ? Peer.elsewhere : Peer.member(from === "m" ? "m" : sender)
      const message = compose(server, act.said)
      const source = { ip: address.ip, port: address.port }
      if (message.type !== "COMMAND") return void server.hear(message, via, source)
      return void server.step({ _tag: "Received", message, via, from: source, mayCommand: act.said.lie === "none" })
    }
    case "advance":
      return void server.advance(act.millis)
    case "freeze":
      return void server.freeze(act.millis)
    case "Refused":
    case "NotAsked":
      return void server.step({ _tag: act.do, id: Peer.id(act.whom) })
    case "Describe": {
      const { priority, zone } = act
      return void server.step({ _tag: "Describe", description: { priority, tags: { zone } } })
    }
    case "Transfer":
      return void server.step({ _tag: "Transfer", election: act.election, to: Peer.id(act.to) })
    case "StepDown":
      return void server.step({ _tag: "StepDown", election: act.election, millis: act.millis })
    case "WorkOverran": {
      const own = ElectionContext.ownReign(server.state, act.election)
      const term = act.term === "own" && own !== null ? own.term : 1
      return void server.step({ _tag: "WorkOverran", election: act.election, term })
    }
    case "Campaign":
    case "Withdraw":
      return void server.step({ _tag: act.do, election: act.election })
    case "WorkEnded":
    case "WorkFinished":
    case "WorkGivenUp":
    case "WorkOffered":
    case "Resign":
      return void server.step({ _tag: act.do, election: act.election })
    case "Publish":
      return void server.step({ _tag: "Publish", ticket: 1, body: "x".repeat(act.bytes), topic: "orders" })
    case "Unpublish":
      return void server.step({ _tag: "Unpublish", ticket: 1 })
    case "Question":
      return void server.step({
        _tag: "Question",
        to: Peer.id(act.to),
        number: act.number,
        question: "load",
        text: "1",
        within: 1_000
      })
    case "Leave":
      return act.really < 20 ? void server.step({ _tag: "Leave" }) : undefined
    default:
      return void server.step({ _tag: act.do })
  }
}

/** Lives a life and looks at it after every single step, those of timers included. */
const live = (
  { acts, timing: { lease, profile, work, ...timing } }: Life,
  look: (server: Server, step: Step.Input) => void
): Server => {
  const server = new Server({ timing: { ...timing, lease: leases[lease] }, profile, work, look })
  server.step({ _tag: "Start" })
  server.step({ _tag: "Discover" })
  for (const act of acts) perform(server, act)
  return server
}

const runs = { arbitrary: { runs: 250 } }

/** The picture that a reader of the events has: it starts with nothing. */
const read = (view: Step.View | null, event: Event.Event): Step.View | null => {
  if (event.event === "Started") return { self: event.self, members: [event.self], reign: null, term: 0 }
  if (view === null) return assert.fail(`${event.event} before Started`)
  const sorted = (members: ReadonlyArray<Member.Member>) => [...members].sort((a, b) => Member.compareRank(b, a))
  switch (event.event) {
    case "MemberJoined":
      return { ...view, members: sorted([...view.members, event.member]) }
    case "MemberRemoved":
      return { ...view, members: view.members.filter((member) => !Member.isSameStart(member, event.member)) }
    case "MemberChanged": {
      const { after } = event
      const self = view.self.id === after.id ? after : view.self
      return { ...view, self, members: sorted(view.members.map((member) => member.id === after.id ? after : member)) }
    }
    case "LeaderChanged":
      if (event.election !== "") return view
      return { ...view, term: event.term, reign: event.leader && Reign.make(event.term, event.leader) }
    case "IncarnationRaised": {
      const self = { ...view.self, incarnation: event.to }
      return { ...view, self, members: view.members.map((member) => member.id === self.id ? self : member) }
    }
    default:
      return view
  }
}

describe("after any sequence of inputs", () => {
  it.prop("the reign that is followed has never gone back (protocol 5, what this promises)", [life], ([drawn]) => {
    let greatest: Reign.Reign | null = null
    let followed: Reign.Reign | null = null
    const over: Array<Reign.Reign> = []
    live(drawn, ({ state: { election: { reign }, self } }) => {
      if (reign === followed) return
      if (reign !== null && greatest !== null) {
        assert.isAtLeast(Reign.compare(reign, greatest), 0, "older than one followed before")
        for (const ended of over) {
          assert.notStrictEqual(Reign.compare(reign, ended), 0, "one's own reign, once over, again")
        }
      }
      if (followed !== null && followed.leader.id === self.id) over.push(followed)
      greatest = Reign.max(greatest, reign)
      followed = reign
    })
  }, runs)

  it.prop(
    "the view equals the one that a reader puts together from the events (design 3, one writer)",
    [life],
    ([drawn]) => {
      let view: Step.View | null = null
      let read_ = 0
      live(drawn, (server) => {
        for (; read_ < server.events.length; read_ += 1) view = read(view, server.events[read_]!)
        assert.deepStrictEqual(unranked(Step.view(server.state)), unranked(view))
      })
    },
    runs
  )

  it.prop("members are ranked as if sorted from scratch, each once, never oneself (naive twin)", [life], ([drawn]) => {
    live(drawn, ({ state: { members, self } }) => {
      const sorted = [...members].sort((a, b) => Member.compareRank(b, a))
      assert.deepStrictEqual(members, sorted)
      assert.strictEqual(new Set(members.map(({ id }) => id)).size, members.length)
      assert.isFalse(members.some(({ id }) => id === self.id))
    })
  }, runs)

  it.prop(
    "what is known is known of the members, all of them and nobody else; the departed are none",
    [life],
    ([drawn]) => {
      live(drawn, ({ now, state: { checks, tombstones, known, members, timing } }) => {
        assert.deepStrictEqual([...HashMap.keys(known)].sort(), members.map(({ id }) => id).sort())
        for (const member of members) assert.strictEqual(HashMap.getUnsafe(known, member.id).member, member)
        for (const id of HashMap.keys(tombstones)) assert.isFalse(HashMap.has(known, id))
        for (const id of HashMap.keys(checks)) assert.isTrue(HashMap.has(known, id))
        for (const { heardAt, multicastAt } of HashMap.values(known)) {
          assert.isTrue(multicastAt <= now && heardAt <= now, "a stamp of the future")
        }
        assert.isAtMost(HashMap.size(tombstones), timing.maxTombstones)
      })
    },
    runs
  )

  it.prop(
    "the leader is in view under the very address of the reign, and its rank unless that has changed; or it is oneself",
    [life],
    ([drawn]) => {
      live(drawn, ({ state: { election: { ending, reign }, members, self } }) => {
        if (reign === null) return assert.isNull(ending)
        if (reign.leader.id === self.id) {
          if (ending === null) {
            assert.deepStrictEqual(unranked({ reign }), unranked({ reign: Reign.make(reign.term, self) }))
          }
          return
        }
        assert.isNull(ending)
        const leader = members.find(({ id }) => id === reign.leader.id)
        assert(leader !== undefined)
        const asNow = { reign: Reign.make(reign.term, leader) }
        assert.deepStrictEqual(unranked({ reign }), unranked(asNow))
        if (leader.revision === 0) assert.deepStrictEqual({ reign }, asNow)
      })
    },
    runs
  )

  it.prop("the reign that is followed in a named election has never gone back either", [life], ([drawn]) => {
    let greatest: Reign.Reign | null = null
    live(drawn, ({ state: { named } }) => {
      const election = Option.getOrUndefined(HashMap.get(named, "other"))
      if (election === undefined) greatest = null
      else if (election.reign !== null) {
        if (greatest !== null) assert.isAtLeast(Reign.compare(election.reign, greatest, "other"), 0)
        greatest = election.reign
      }
    })
  }, runs)

  it.prop("one leads only while live, and stands only with the timer that ends it", [life], ([drawn]) => {
    const timers = { Idle: null, Pending: "stand", Standing: "ok", Waiting: "wait", PreVote: "pre-vote" } as const
    live(drawn, ({ state }) => {
      if (ElectionContext.ownReign(state) !== null) assert.strictEqual(state.phase, "Live")
      const expected = timers[state.election.activity._tag]
      const set = ["stand", "ok", "wait", "pre-vote"].filter((key) => Timers.has(state.timers, key))
      assert.deepStrictEqual(set, expected === null ? [] : [expected])
      for (const [name, { activity, withdrawn }] of state.named) {
        if (ElectionContext.ownReign(state, name) !== null) assert.strictEqual(state.phase, "Live")
        if (withdrawn) assert.strictEqual(activity._tag, "Idle")
        const expected = timers[activity._tag]
        const set = ["stand", "ok", "wait", "pre-vote"].filter((key) => Timers.has(state.timers, `${key}@${name}`))
        assert.deepStrictEqual(set, expected === null ? [] : [expected])
      }
    })
  }, runs)

  it.prop("a newcomer does not go from following another to leading (protocol 5, stableAfter)", [life], ([drawn]) => {
    let followed: Reign.Reign | null = null
    live(drawn, ({ state: { election: { reign }, newcomer, self } }) => {
      const took = followed !== null && followed.leader.id !== self.id && reign?.leader.id === self.id
      if (newcomer) assert.isFalse(took)
      followed = reign
    })
  }, runs)

  it.prop(
    "every timer fires in the first step after it is due, and the server is known to be due when the next one is",
    [life],
    ([drawn]) => {
      let before: State["timers"] = []
      live(drawn, ({ now, state }) => {
        const { phase, timers } = state
        const first = Math.min(...timers.map(({ due }) => due))
        assert.strictEqual(Step.dueAt(state), phase === "Left" ? Infinity : first)
        // What a step sets to be due at once waits for the next one, and so does what is due at the instant of its input.
        const overdue = timers.filter(({ due }) => due < now)
        if (phase !== "Left") { for (const timer of overdue) assert.isFalse(before.includes(timer)) }
        before = timers
      })
    },
    runs
  )

  it.prop("`heard` is not below any term followed, and never falls (protocol 5, observe rule 1)", [life], ([drawn]) => {
    let before = 0
    live(drawn, ({ state: { election: { heard, last, reign } } }) => {
      assert.isAtLeast(heard, before)
      assert.isAtLeast(heard, reign?.term ?? 0)
      if (reign !== null) assert.strictEqual(Reign.compare(reign, last!), 0)
      before = heard
    })
  }, runs)

  it.prop(
    "all that is said is a message that fits a frame, and all that is told an event of the schema",
    [life],
    ([drawn]) => {
      const isEvent = Schema.is(Event.Event)
      const tag = new Uint8Array(4)
      const server = live(drawn, () => {})
      for (const { message } of server.sent) {
        const frame = Result.getOrThrow(Frame.encode(message, tag))
        assert.deepStrictEqual(Frame.decode(frame, tag), Result.succeed(message))
      }
      for (const event of server.events) assert.isTrue(isEvent(event), JSON.stringify(event))
    },
    runs
  )

  it.prop(
    "a member is removed for silence not a millisecond before its time, but on a hint (protocol 4)",
    [life],
    ([drawn]) => {
      let before: Server["state"] | null = null
      let seen = 0
      live(drawn, (server) => {
        for (; seen < server.events.length; seen += 1) {
          const event = server.events[seen]!
          if (event.event !== "MemberRemoved" || event.reason._tag !== "Silent") continue
          const known = HashMap.getUnsafe(before!.known, event.member.id)
          const asked = HashMap.getUnsafe(before!.checks, event.member.id)
          assert.strictEqual(asked.tries, Timing.probeTries)
          if (!asked.ofLead) {
            assert.isAbove(server.now - known.heardAt, Timing.patience(server.state.timing, known.interval))
          }
        }
        before = server.state
      })
    },
    runs
  )
})

describe("a step", () => {
  it.prop(
    "is a function of (state, input, now) alone, and leaves the state it was given as it was",
    [life],
    ([drawn]) => {
      const server = new Server({
        timing: { ...drawn.timing, lease: leases[drawn.timing.lease] },
        work: drawn.timing.work,
        profile: drawn.timing.profile,
        twice: true
      })
      server.step({ _tag: "Start" })
      for (const act of drawn.acts) perform(server, act)
    },
    runs
  )

  it.prop("does not throw, on anything received from anyone", [
    Arbitrary.array(Drawn.message, { maxLength: 20 }),
    Schema.Literals(["multicast", "unicast"])
  ], ([messages, via]) => {
    const server = Server.live()
    for (const message of messages) {
      server.hear(message, via)
      server.hear(message, via, server.state.self)
      server.advance(700)
    }
  }, runs)
})
