/**
 * What an adversary could make of each rule of the majority lease, if that were not kept (protocol, majority lease): stories
 * as texts, told with what comes of them. `test/simulation/lease-mutants.test.ts` plays them on the protocol without the rule.
 *
 * `BELLWETHER_STORIES=write npm test -- test/protocol/LeaseStories.test.ts` writes down anew what comes of them.
 */
import { assert, describe, it } from "@effect/vitest"
import { env } from "node:process"
import * as LeaseStory from "./harness/LeaseStory.ts"

const when = /^  > (\d+) ms/gm
const told = (text: string): string => text.replaceAll(when, "  >")
const times = (text: string): ReadonlyArray<number> => Array.from(text.matchAll(when), ([, at]) => Number(at))

describe("a story of leases ends well", () => {
  for (const name of LeaseStory.names) {
    const text = LeaseStory.read(name)
    it(`${name}: ${text.split(/[\n:]/)[0]}`, () => {
      const played = LeaseStory.play(text)
      assert.deepStrictEqual(played.broken, [], played.text)
      if (env["BELLWETHER_STORIES"] === "write") LeaseStory.write(name, played.text)
      else {
        assert.strictEqual(told(played.text), told(text))
        // What servers draw by chance decides some ms.
        const expected = times(text)
        for (const [index, time] of times(played.text).entries()) assert.closeTo(time, expected[index]!, 150)
      }
    })
  }

  it("and says which of its lines is none of a story", () => {
    const text = LeaseStory.read(LeaseStory.names[0]!)
    assert.throws(() => LeaseStory.play(`${text}\na dances\n`), "a dances")
  })
})
