/** Which resource of which space a shard is, which the leader knows nothing else of. */
import { assert, describe, it } from "@effect/vitest"
import * as ShardId from "effect/cluster/ShardId"
import * as Places from "../../src/cluster/Places.ts"
import * as Resources from "../../src/protocol/model/Resources.ts"

const all = (group: string, count: number) =>
  Array.from({ length: count }, (_, index) => ShardId.make(group, index + 1))

describe("the places of shards", () => {
  it("are one for each, within what the leader knows of its space", () => {
    for (const shardsPerGroup of [1, 300, Resources.maxCount, Resources.maxCount + 1, 2.5 * Resources.maxCount]) {
      const groups = ["default", "mail"]
      const counts = new Map(Places.spaces(groups, shardsPerGroup).map(({ count, name }) => [name, count]))
      const taken = new Set<string>()
      for (const shard of groups.flatMap((group) => all(group, shardsPerGroup))) {
        const { resource, space } = Places.of(shard, shardsPerGroup)!
        assert.strictEqual(counts.get(space.name), space.count, space.name)
        assert.isTrue(resource >= 0 && resource < space.count, `${shard.id} is ${resource} of ${space.count}`)
        taken.add(`${space.name} ${resource}`)
      }
      assert.strictEqual(taken.size, 2 * shardsPerGroup)
      assert.strictEqual([...counts.values()].reduce((sum, count) => sum + count, 0), 2 * shardsPerGroup)
      assert.isTrue([...counts.values()].every((count) => count <= Resources.maxCount))
    }
  })

  it("are none of a shard that the group does not have", () => {
    for (const id of [-1, 0, 301, 1.5, Number.NaN]) {
      assert.isNull(Places.of(ShardId.make("default", id), 300), String(id))
    }
  })

  it("are in spaces whose names fit what the leader is asked, whatever a group is called", () => {
    assert.isTrue(Places.isGroup("g".repeat(80)))
    for (const long of ["g".repeat(81), "ä".repeat(41), "\n".repeat(41)]) assert.isFalse(Places.isGroup(long))
  })
})
