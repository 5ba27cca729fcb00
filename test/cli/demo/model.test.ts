/**
 * What a demo knows and shows: its servers by their own events, and what followed what was done to them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Keys from "../../../src/cli/demo/keys.ts"
import * as Measured from "../../../src/cli/demo/measured.ts"
import * as Model from "../../../src/cli/demo/model.ts"
import * as Stage from "../../../src/cli/demo/stage.ts"
import * as Views from "../../../src/cli/demo/views.ts"
import * as Event from "../../../src/protocol/model/Event.ts"
import * as Member from "../../../src/protocol/model/Member.ts"
import * as Cells from "../../../src/status/Cells.ts"
import type * as Seen from "../../../src/status/terminal/Seen.ts"

const member = (name: string): Member.Member => {
  const priority = Model.names.findIndex((known) => known === name) + 1
  return Schema.decodeSync(Member.Member)({
    id: String(priority).repeat(16),
    ip: "127.0.0.1",
    port: 40_000 + priority,
    incarnation: 1_700_000_000_000,
    priority,
    name,
    hostname: "host",
    tags: {}
  })
}

const event = (at: number, event: string, fields: object): Event.Event =>
  Schema.decodeUnknownSync(Event.Event)({ at, event, ...fields })

const leads = (at: number, leader: string | null, cause: Event.Cause, without = 0) =>
  event(at, "LeaderChanged", {
    election: "",
    leader: leader === null ? null : member(leader),
    from: leader === null ? member("gamma") : null,
    term: 7,
    cause,
    without
  })

const crashed = (at: number, name: string) =>
  event(at, "MemberRemoved", { member: member(name), reason: { _tag: "Crashed", evidence: "127.0.0.1 refuses it" } })

const hearAll = (model: Model.Model, told: ReadonlyArray<readonly [name: string, event: Event.Event]>): Model.Model =>
  told.reduce((model, [name, event]) => Measured.hear(model, name, event), model)

const three = ["alpha", "beta", "gamma"]

/** Three servers that run, and follow gamma. */
const running = (): Model.Model => {
  const begun = Model.act(
    Model.make({ group: "demo-1", token: "a-token", leadership: "bully" }),
    "AllByBully",
    null,
    1_000
  )
  const started = three.reduce(
    (model, name, index) =>
      Model.withStarting(
        model,
        Model.starting({ name, priority: index + 1, page: `http://127.0.0.1:${7_001 + index}` })
      ),
    begun
  )
  return hearAll(started, [
    ...three.map((name) => [name, event(1_100, "Started", { self: member(name) })] as const),
    ...three.flatMap((name) =>
      three.filter((other) => other !== name).map((other) =>
        [name, event(1_150, "MemberJoined", { member: member(other), via: "probe" })] as const
      )
    ),
    ...["gamma", "beta", "alpha"].map((name, index) => [name, leads(1_200 + index * 10, "gamma", "Start")] as const)
  ])
}

const told = ({ acts }: Model.Model) =>
  acts.at(-1)?.consequences.map(({ after, text, who }) => `${after} ${who} ${text}`)

describe("a demo", () => {
  it("tells when the servers that it has started agree", () => {
    assert.deepStrictEqual(told(running()), ["200 gamma leads", "220 all 3 see each other and follow gamma"])
  })

  it("tells who noticed that the leader was killed, who leads after it, and when all agree again", () => {
    const killed = Model.act(running(), "Killed", "gamma", 5_000)
    assert.strictEqual(Measured.title(killed.acts.at(-1)!), "kill -9 gamma, which leads")
    const model = hearAll(killed, [
      ["alpha", crashed(5_700, "gamma")],
      ["beta", crashed(5_710, "gamma")],
      ["alpha", leads(5_720, null, "Crashed")],
      // It tells later than the others what happened before.
      ["beta", leads(5_800, "beta", "Crashed", 810)],
      ["alpha", leads(5_790, "beta", "Crashed", 800)]
    ])
    assert.deepStrictEqual(
      told(model),
      [
        "700 alpha noticed: its host refuses its port",
        "800 beta leads: nobody led for 0.81 s",
        "790 all 2 see each other and follow beta"
      ].toSorted()
    )
    assert.strictEqual(Model.leaderOf(model)?.name, "beta")
  })

  it("tells nothing of an act that happened before it", () => {
    const killed = Model.act(running(), "Killed", "gamma", 5_000)
    assert.deepStrictEqual(told(Measured.hear(killed, "alpha", crashed(4_999, "gamma"))), [])
  })

  it("does not wait for a server that is frozen or cut off, and sees both leaders where there are two", () => {
    for (const kind of ["Frozen", "CutOff"] as const) {
      const model = hearAll(Model.act(running(), kind, "gamma", 5_000), [
        // It stays a member for a while.
        ["alpha", leads(7_000, null, "Silent")],
        ["beta", leads(7_100, null, "Silent")],
        ["beta", leads(7_200, "beta", "Silent", 2_100)],
        ["alpha", leads(7_210, "beta", "Silent", 2_110)]
      ])
      assert.strictEqual(Measured.agreed(model), "beta")
      assert.include(told(model) ?? [], "2000 alpha noticed: the leader fell silent")
      assert.include(told(model) ?? [], "2210 all 2 see each other and follow beta")
      assert.strictEqual(Model.serverOf(model, "gamma")?.follows, member("gamma").id)
      assert.strictEqual(Model.leaderOf(model)?.name, "beta")
      // The same key undoes it.
      assert.strictEqual(Model.targetOf(model)?.name, "gamma")
    }
  })

  it("knows how a server ended, and starts it again in its place", () => {
    const ends = (kind: Model.Kind) => Model.serverOf(Model.end(Model.act(running(), kind, "beta", 1), "beta"), "beta")
    assert.strictEqual(ends("Killed")?.life, "killed")
    assert.strictEqual(ends("Stopped")?.life, "stopped")
    assert.strictEqual(ends("Frozen")?.life, "failed")
    const gone = Model.end(Model.act(running(), "Killed", "beta", 1), "beta")
    const again = Model.withStarting(gone, Model.starting({ name: "beta", priority: 2, page: "" }))
    assert.deepStrictEqual(again.servers.map(({ life, name }) => `${name} ${life}`), [
      "alpha running",
      "beta starting",
      "gamma running"
    ])
  })

  it("keeps a bounded past", () => {
    let model = running()
    for (let at = 0; at < 100; at++) model = Model.act(model, "CutOff", "beta", at)
    assert.lengthOf(model.acts, 20)
    for (let at = 0; at < 100; at++) {
      model = Measured.hear(model, "alpha", leads(1_000 + at, at % 2 === 0 ? "alpha" : null, "Resigned"))
      model = Measured.hear(model, "beta", event(1_000 + at, "Stalled", { for: at }))
    }
    assert.isAtMost(model.acts.at(-1)?.consequences.length ?? 0, 30)
  })
})

describe("the keys of a demo", () => {
  const read = (key: string, model = running()) => Keys.read(model, key)

  it("act on the leader, or on the server that is chosen", () => {
    assert.deepStrictEqual(read("k"), { _tag: "Act", kind: "Killed", target: "gamma" })
    assert.deepStrictEqual(read("s", Model.choose(running(), "alpha")), {
      _tag: "Act",
      kind: "Stopped",
      target: "alpha"
    })
    assert.deepStrictEqual(read("2"), { _tag: "Choose", name: "beta" })
    assert.deepStrictEqual(read("up"), { _tag: "Choose", name: "beta" })
    assert.deepStrictEqual(read("down"), { _tag: "Choose", name: "alpha" })
    assert.deepStrictEqual(read("l"), { _tag: "Choose", name: null })
  })

  it("undo what they did", () => {
    for (const [key, does, undoes] of [["f", "Frozen", "Thawed"], ["c", "CutOff", "Healed"]] as const) {
      assert.deepStrictEqual(read(key), { _tag: "Act", kind: does, target: "gamma" })
      assert.deepStrictEqual(read(key, Model.act(running(), does, "gamma", 1)), {
        _tag: "Act",
        kind: undoes,
        target: "gamma"
      })
    }
    const lease = Model.act(running(), "AllByLease", null, 1)
    assert.deepStrictEqual(read("m"), { _tag: "Act", kind: "AllByLease", target: null })
    assert.deepStrictEqual(read("m", lease), { _tag: "Act", kind: "AllByBully", target: null })
  })

  it("start the server that is gone, else one more, but not one that the settings of a lease do not count", () => {
    assert.deepStrictEqual(read("n"), { _tag: "Act", kind: "Started", target: "delta" })
    const gone = Model.act(running(), "Killed", "alpha", 1)
    assert.deepStrictEqual(read("n", gone), { _tag: "Act", kind: "Started", target: "alpha" })
    assert.strictEqual(read("n", Model.act(running(), "AllByLease", null, 1))?._tag, "Refused")
    const full = Model.names.reduce(
      (model, name) => Model.withStarting(model, Model.starting({ name, priority: 1, page: "" })),
      running()
    )
    assert.strictEqual(read("n", full)?._tag, "Refused")
  })

  it("say why they do nothing, or mean nothing", () => {
    const gone = Model.choose(Model.act(running(), "Killed", "alpha", 1), "alpha")
    assert.deepStrictEqual(read("f", gone), { _tag: "Refused", why: "alpha is gone: n starts it again" })
    assert.strictEqual(read("k", Model.make({ group: "g", token: "t", leadership: "bully" }))?._tag, "Refused")
    for (const key of ["x", "9", "0", "", "ctrl-x"]) assert.isUndefined(read(key))
    for (const key of ["q", "ctrl-c", "ctrl-d"]) assert.deepStrictEqual(read(key), { _tag: "Quit" })
  })
})

describe("the screen of a demo", () => {
  const model = () =>
    Model.refuse(hearAll(Model.act(running(), "Killed", "gamma", 5_000), [["alpha", crashed(5_700, "gamma")]]), "no")

  it("shows each server as it sees its group, what was done, what followed and the keys", () => {
    const lines = Stage.render(model(), { columns: 100, rows: 24, color: false, timeZone: "UTC" })
    assert.lengthOf(lines, 24)
    const shown = lines.join("\n").replaceAll(/ +/g, " ")
    for (
      const text of [
        "group demo-1",
        "Page http://127.0.0.1:7001 its token a-token",
        "1 alpha follows 2 gamma 1 http://127.0.0.1:7001",
        "3 gamma killed",
        "00:00:05 kill -9 gamma, which leads",
        "after 0.70 s alpha noticed: its host refuses its port",
        "k kill -9 s stop f freeze, thaw",
        "q quit"
      ]
    ) assert.include(shown, text)
  })

  it("fits every terminal", () => {
    for (const columns of [1, 2, 11, 12, 20, 79, 300]) {
      for (const rows of [1, 2, 5, 9, 24, 100]) {
        const lines = Stage.render(model(), { columns, rows, color: false })
        assert.isAtMost(lines.length, rows)
        for (const line of lines) assert.isAtMost(Cells.width(line), columns, line)
      }
    }
  })

  it("becomes lines where there is no terminal, each told once", () => {
    const before = running()
    const killed = Model.act(before, "Killed", "gamma", 5_000)
    assert.deepStrictEqual(Stage.added(before, killed), ["kill -9 gamma, which leads"])
    const noticed = Measured.hear(killed, "alpha", crashed(5_700, "gamma"))
    assert.deepStrictEqual(Stage.added(killed, noticed), ["  after 0.70 s: alpha noticed: its host refuses its port"])
    assert.deepStrictEqual(Stage.added(noticed, Model.choose(noticed, "beta")), [])
    assert.deepStrictEqual(Stage.added(noticed, Model.refuse(noticed, "no")), ["no"])
  })
})

describe("the view of one server of a demo", () => {
  const style = { columns: 100, rows: 30, color: false, timeZone: "UTC" }
  const seen: Seen.Seen = {
    at: 6_000,
    group: "demo-1",
    where: "http://127.0.0.1:7001",
    self: member("alpha").id,
    members: three.map((name) => Object.assign({}, member(name), { heard: { ago: 5 } })),
    elections: []
  }
  const views = () => {
    const heard = Views.heard(Views.empty, "alpha", crashed(5_700, "gamma"))
    return Views.show(Views.told(heard, 5_000, ["kill -9 gamma, which leads"]), "alpha")
  }
  const rendered = (views: Views.Views) => Views.render(views, "alpha", 6_000, style).join("\n")

  it("is made of its events, of what was done, and of what it answers", () => {
    const shown = rendered(Views.saw(views(), "alpha", seen))
    for (const text of ["demo-1", "gamma (127.0.0.1:40003) is gone", "kill -9 gamma, which leads", "v all servers"]) {
      assert.include(shown, text)
    }
    assert.notInclude(shown, "NOT CURRENT")
  })

  it("says that it is not current while the server does not answer", () => {
    const silent = Views.saw(Views.saw(views(), "alpha", seen), "alpha", null)
    assert.include(rendered(silent), "NOT CURRENT: alpha does not answer")
    assert.notInclude(rendered(Views.saw(silent, "alpha", seen)), "NOT CURRENT")
  })

  it("is left by the key that opens it, and passes over what it does not know", () => {
    assert.deepStrictEqual(Keys.read(running(), "v"), { _tag: "View", name: "gamma" })
    assert.deepStrictEqual(Views.read(views(), "alpha", running(), "v").command, { _tag: "View", name: null })
    const unknown = Schema.decodeSync(Event.AnyEvent)({ at: 1, event: "FromTheFuture" })
    assert.strictEqual(Views.heard(Views.empty, "alpha", unknown), Views.empty)
  })

  it("takes keys of its own; those of the demo act on the member that is selected", () => {
    const press = (views: Views.Views, key: string) => Views.read(views, "alpha", running(), key)
    const saw = Views.saw(views(), "alpha", seen)
    assert.deepStrictEqual(press(saw, "k").command, { _tag: "Act", kind: "Killed", target: "gamma" })
    const moved = press(saw, "down")
    assert.isUndefined(moved.command)
    const selected = moved.views.byName.get("alpha")?.look.selected
    assert.isString(selected)
    assert.deepStrictEqual(press(moved.views, "k").command, {
      _tag: "Act",
      kind: "Killed",
      target: Model.nameOf(running(), selected ?? null) ?? null
    })
    // While a filter is typed, no letter kills anybody.
    const typing = press(saw, "/").views
    for (const key of ["k", "v", "q"]) assert.isUndefined(press(typing, key).command)
  })
})
