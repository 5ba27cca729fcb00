import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Forms from "../../src/settings/Forms.ts"
import { addressesOf, withDetails } from "../../src/transport/interfaces/ProcAddresses.ts"
import type { SystemInterface } from "../../src/transport/interfaces/SystemInterface.ts"

const line = (hex: string, index: string, bits: string, flags: string, name: string) =>
  `${hex.padEnd(28, "0")}0001 ${index} ${bits} 00 ${flags}     ${name}\n`
const global = (address: string, name = "eth0"): SystemInterface => ({
  name,
  address,
  prefixLength: 64,
  internal: false
})

describe("the flaws of an address (protocol 2)", () => {
  it.each([
    ["80", undefined],
    ["88", "duplicate"],
    ["c8", "duplicate"],
    ["c0", "tentative"],
    // It is used while it is asked about.
    ["44", undefined],
    ["20", "deprecated"],
    ["00", undefined]
  ])("flags %s: %s", (flags, flaw) => {
    const [one] = withDetails([global("fd51::1")], line("fd51", "07", "40", flags, "eth0"))
    assert.strictEqual(one?.flaw, flaw)
  })

  it("is of that address on that interface alone, however it is spelt, and tells the number of the interface", () => {
    const text = line("fd51", "07", "40", "88", "eth0") + line("fe80", "08", "40", "80", "eth1") + "garbage\n"
    const eth1: SystemInterface = { name: "eth1", address: "192.0.2.1", prefixLength: 24, internal: false }
    const all = withDetails([global("FD51:0::1"), global("fd51::1", "eth1"), global("fd51::2"), eth1], text)
    assert.deepStrictEqual(all.map(({ flaw, index }) => [flaw, index]), [
      ["duplicate", 7],
      [undefined, 8],
      [undefined, 7],
      [undefined, 8]
    ])
    assert.deepStrictEqual(withDetails([eth1], ""), [eth1])
  })
})

describe("the addresses of a system that does not answer the usual question (protocol 2)", () => {
  const trie = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.0
           /24 link UNICAST
        |-- 192.0.2.5
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
Local:
     |-- 127.0.0.0
        /8 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 192.0.2.5
        /32 host LOCAL
     |-- 203.0.113.1
        /32 host LOCAL
`
  const route = (device: string, network: string) => ({
    device,
    network: Option.getOrThrow(Forms.network.parse(network))
  })

  it("are on the device whose narrowest route leads to their network, and left out if none does", () => {
    const found = addressesOf(trie, "", [route("eth1", "192.0.0.0/16"), route("eth0", "192.0.2.0/24")])
    assert.deepStrictEqual(found, [
      { name: "eth0", address: "192.0.2.5", prefixLength: 24, internal: false },
      { name: "lo", address: "127.0.0.1", prefixLength: 8, internal: true }
    ])
  })

  it("of IPv6 are all listed but those of a link, which cannot be used then", () => {
    const text = line("fe80", "07", "40", "80", "eth0") + line("fd51", "07", "80", "c0", "eth0")
      + line("", "01", "80", "80", "lo")
    assert.deepStrictEqual(addressesOf("", text, []), [
      {
        name: "eth0",
        address: "fd51::1",
        prefixLength: 128,
        internal: false,
        index: 7,
        flaw: "tentative"
      },
      {
        name: "lo",
        address: "::1",
        prefixLength: 128,
        internal: true,
        index: 1,
        flaw: undefined
      }
    ])
  })
})
