/** Where members stand on the ring. */
import { assert, describe, it } from "@effect/vitest"
import * as Ring from "../../../src/status/page/Ring.ts"

const ids = (count: number) => Array.from({ length: count }, (_, index) => String(index))

describe("the ring", () => {
  it("has the highest rank at the top, and the others evenly around", () => {
    const [first, second, third, fourth] = Ring.of(ids(4)).places
    assert.closeTo(first!.x, 0, 1e-9)
    assert.closeTo(first!.y, -100, 1e-9)
    assert.closeTo(second!.x, 100, 1e-9)
    assert.closeTo(third!.y, 100, 1e-9)
    assert.strictEqual(second?.label.anchor, "start")
    assert.strictEqual(fourth?.label.anchor, "end")
  })

  it("has marks that do not overlap, and lie within the view, of any number of members up to 200", () => {
    for (const count of [1, 2, 3, 10, 28, 29, 79, 80, 150, 200]) {
      const { places, size } = Ring.of(ids(count))
      assert.lengthOf(places, count)
      for (const [index, place] of places.entries()) {
        assert.isAtMost(Math.hypot(place.x, place.y) + size, 120)
        for (const other of places.slice(index + 1)) {
          assert.isAtLeast(Math.hypot(place.x - other.x, place.y - other.y), 2 * size, `${count} members`)
        }
      }
    }
  })

  it("is empty without members, and names them while there is space", () => {
    assert.lengthOf(Ring.of([]).places, 0)
    assert.isTrue(Ring.of(ids(Ring.maxNamed)).isNamed)
    assert.isFalse(Ring.of(ids(Ring.maxNamed + 1)).isNamed)
  })
})
