import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { type Attached, type Attachment, type Change, changes } from "../../src/transport/interfaces/Changes.ts"
import { systemOf } from "../../src/transport/interfaces/Interfaces.ts"
import type { SystemInterface } from "../../src/transport/interfaces/SystemInterface.ts"

const addressOn = (name: string, address: string, more: Partial<SystemInterface> = {}): SystemInterface => ({
  name,
  address,
  prefixLength: 24,
  internal: false,
  ...more
})
const a = addressOn("eth0", "192.0.2.1")
const a2 = addressOn("eth0", "192.0.2.2")
const b = addressOn("eth0", "198.51.100.1")
const c = addressOn("eth1", "203.0.113.1")
const held = (one: SystemInterface, isPresent = true, group = 0): Attached => ({ group, interface: one, isPresent })
const wants = (...some: ReadonlyArray<SystemInterface>): ReadonlyArray<Attachment> =>
  some.map((one) => ({ group: 0, interface: one }))
const came = (one: SystemInterface, group = 0): Change => ({ _tag: "Came", attachment: { group, interface: one } })
const moved = (index: number, to: SystemInterface): Change => ({ _tag: "Moved", held: index, to })
const six = (address: string, more: Partial<SystemInterface> = {}) =>
  addressOn("eth0", address, { prefixLength: 64, index: 2, ...more })
const asked = six("fd51::2", { flaw: "tentative" })
const duplicate = six("fd51::ff", { flaw: "duplicate" })

const table: ReadonlyArray<
  readonly [
    rule: string,
    held: ReadonlyArray<Attached>,
    wanted: ReadonlyArray<Attachment>,
    system: ReadonlyArray<SystemInterface>,
    expected: ReadonlyArray<Change>
  ]
> = [
  ["nothing, where nothing changed", [held(a), held(c)], wants(a, c), [a, c], []],
  ["a socket for an interface that came", [held(a)], wants(a, c), [a, c], [came(c)]],
  ["nothing for a second address on a network that is held", [held(a)], wants(a2), [a, a2], []],
  ["a socket for a second network of an interface", [held(a)], wants(a, b), [a, b], [came(b)]],
  ["it waits for an interface that is gone", [held(a), held(c)], wants(c), [c], [{ _tag: "Gone", held: 0 }]],
  ["and goes on waiting", [held(a, false), held(c)], wants(c), [c], []],
  ["it goes on where the interface is back", [held(a, false)], wants(a), [a], [moved(0, a)]],
  ["it follows an interface to another address", [held(a)], wants(b), [b], [moved(0, b)]],
  ["it keeps an address that the choice prefers no more", [held(b)], wants(a, b), [a, b], [came(a)]],
  [
    "a socket whose address is gone ends, where another is on the device",
    [held(a), held(b)],
    wants(a),
    [a],
    [{ _tag: "Ended", held: 1 }]
  ],
  ["the first waits instead", [held(a), held(b)], wants(b), [b], [{ _tag: "Gone", held: 0 }]],
  [
    "two do not move to one address",
    [held(a), held(b)],
    wants(a2),
    [a2],
    [moved(0, a2), { _tag: "Ended", held: 1 }]
  ],
  [
    "an address that another host has gives way",
    [held(six("fd51::ff"))],
    wants(six("fd51::1"), duplicate),
    [six("fd51::1"), duplicate],
    [moved(0, six("fd51::1"))]
  ],
  [
    "an address that the system still asks about is waited for",
    [held(six("fd51::1"))],
    wants(asked),
    [asked],
    [{ _tag: "Gone", held: 0 }]
  ],
  ["and waited for on", [held(six("fd51::1"), false)], wants(asked), [asked], []],
  ["also where it is the one that was there", [held(six("fd51::2"), false)], wants(asked), [asked], []],
  ["it is kept where it was there all the time", [held(six("fd51::2"))], wants(asked), [asked], []],
  ["and taken when nobody else has it", [held(six("fd51::1"), false)], wants(six("fd51::2")), [six("fd51::2")], [
    moved(0, six("fd51::2"))
  ]],
  [
    "it goes with an interface that is renamed",
    [held(six("fe80::1%eth0"))],
    wants({ ...six("fe80::1%lan0"), name: "lan0" }),
    [{ ...six("fe80::1%lan0"), name: "lan0" }],
    [moved(0, { ...six("fe80::1%lan0"), name: "lan0" })]
  ],
  [
    "but not to another one that was given its address",
    [held(six("fd51::1"))],
    wants({ ...six("fd51::1"), name: "lan0", index: 3 }),
    [{ ...six("fd51::1"), name: "lan0", index: 3 }],
    [{ _tag: "Gone", held: 0 }, came({ ...six("fd51::1"), name: "lan0", index: 3 })]
  ],
  ["unless there is no other", [held(six("fd51::ff"))], wants(duplicate), [duplicate], []],
  [
    "one that is to be given up is kept while it lasts",
    [held(six("fd51::2"))],
    wants(six("fd51::1")),
    [six("fd51::1"), six("fd51::2", { flaw: "deprecated" })],
    []
  ],
  [
    "an interface that was taken out and put in again is opened anew",
    [held({ ...a, index: 2 })],
    wants({ ...a, index: 3 }),
    [{ ...a, index: 3 }],
    [moved(0, { ...a, index: 3 })]
  ],
  [
    "its number matters not to IPv4 when it is told late",
    [held(a)],
    wants({ ...a, index: 2 }),
    [{ ...a, index: 2 }],
    []
  ],
  [
    "but to IPv6, which multicasts by it",
    [held(six("fd51::1", { index: undefined }))],
    wants(six("fd51::1")),
    [six("fd51::1")],
    [moved(0, six("fd51::1"))]
  ],
  [
    "each multicast group has its own",
    [held(a)],
    [{ group: 0, interface: a }, { group: 1, interface: six("fd51::1") }],
    [a, six("fd51::1")],
    [came(six("fd51::1"), 1)]
  ]
]

describe("a change of the interfaces calls for (protocol 2)", () => {
  for (const [rule, before, wanted, system, expected] of table) {
    it(rule, () => assert.deepStrictEqual(changes(before, wanted, systemOf(system)), expected))
  }

  const drawn = Schema.Array(
    Schema.Struct({
      device: Schema.Literals(["eth0", "eth1"]),
      network: Schema.Literals(["192.0.2", "198.51.100"]),
      host: Schema.Literals([1, 2])
    })
  ).check(Schema.isMaxLength(5))
  it.prop(
    "when it is done, nothing is left to do, no address has two sockets, and each network that is wanted has one",
    [drawn, drawn],
    ([before, after]) => {
      const interfaces = (
        some: typeof before
      ) => [
        ...new Map(
          some.map((
            { device, host, network }
          ) => [`${device} ${network}.${host}`, addressOn(device, `${network}.${host}`)])
        )
          .values()
      ]
      const start = interfaces(before).map((one) => held(one))
      if (start.length === 0) return
      const system = systemOf(interfaces(after))
      const wanted = wants(...system.addresses)
      let now: ReadonlyArray<Attached> = start
      for (let round = 0; round < 4; round++) {
        const done = changes(now, wanted, system)
        if (done.length === 0) break
        const ended = new Set(done.flatMap((change) => change._tag === "Ended" ? [change.held] : []))
        const next = now.map((one, index): Attached => {
          const change = done.find((change) => "held" in change && change.held === index)
          return change?._tag === "Moved"
            ? held(change.to)
            : change?._tag === "Gone"
            ? { ...one, isPresent: false }
            : one
        }).filter((_, index) => !ended.has(index))
        // One at a time, as the system may refuse the others.
        const first = done.find((change) => change._tag === "Came")
        now = first === undefined ? next : [...next, held(first.attachment.interface)]
      }
      assert.deepStrictEqual(changes(now, wanted, system), [])
      const present = now.filter(({ isPresent }) => isPresent).map((one) =>
        `${one.interface.name} ${one.interface.address}`
      )
      assert.strictEqual(new Set(present).size, present.length)
      const network = (one: SystemInterface) => `${one.name} ${one.address.replace(/\.\d+$/, "")}`
      const reached = now.filter(({ isPresent }) => isPresent).map((one) => network(one.interface))
      for (const one of system.addresses) assert.include(reached, network(one))
    }
  )
})
