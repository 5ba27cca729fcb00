/**
 * How servers are called where several are shown.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Names from "../../src/status/Names.ts"

const one = (name: string, port: number, ip = "192.0.2.1", id = "0123456789abcdef") => ({ id, name, port, ip })

const nowhere = (name: string, id: string) => one(name, 1, "0.0.0.0", id)

describe("servers that are shown together", () => {
  it.each([
    ["by their names", [one("a", 1), one("b", 1)], ["a", "b"]],
    ["with their ports where two share a name", [one("vm", 1), one("b", 1), one("vm", 2)], ["vm:1", "b", "vm:2"]],
    [
      "with their addresses where two share name and port, as with a fixed port",
      [one("vm", 5_000), one("vm", 5_000, "192.0.2.2"), one("vm", 7)],
      ["vm 192.0.2.1:5000", "vm 192.0.2.2:5000", "vm:7"]
    ],
    ["by an address of IPv6", [one("vm", 5, "fe80::1"), one("vm", 5)], ["vm [fe80::1]:5", "vm 192.0.2.1:5"]],
    [
      "for any name of a server",
      [one("vm", 1), one("vm", 2), one("vm:1", 9)],
      ["vm 192.0.2.1:1", "vm:2", "vm:1:9"]
    ],
    [
      "with the beginnings of their ids where they have not said where they are",
      [nowhere("vm", "00aa00aa00aa00aa"), nowhere("vm", "11bb11bb11bb11bb"), one("vm", 1)],
      ["vm 00aa00", "vm 11bb11", "vm:1"]
    ]
  ])("are called %s", (_, members, names) => {
    assert.deepStrictEqual(Names.toldApart(members).map(({ name }) => name), names)
    assert.strictEqual(new Set(names).size, names.length)
  })
})
