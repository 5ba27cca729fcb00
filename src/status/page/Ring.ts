/** Where the members stand: evenly on a ring, the highest rank at the top; on two rings where there are many. */

/** A place, in units of which the ring's radius has 100. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** Where one member stands, and where its name goes. */
export interface Place extends Point {
  readonly id: string
  readonly label: Point & { readonly anchor: "start" | "middle" | "end" }
}

/** A ring with all that stands on it. */
export interface Ring {
  readonly places: ReadonlyArray<Place>
  /** The radius of a member's mark. */
  readonly size: number
  /** Whether there is space for every name. */
  readonly isNamed: boolean
}

/** So many members have their names beside them; of more only those that matter. */
export const maxNamed = 28

/** From so many on they stand on two rings, so that their marks stay large enough to be told apart. */
const twoRings = 80

/** The ring of these members, in the order of their ranks. */
export const of = (ids: ReadonlyArray<string>): Ring => {
  const count = ids.length
  const isDouble = count >= twoRings
  const size = Math.min(11, Math.max(2.2, (isDouble ? 500 : 250) / Math.max(1, count)))
  const places = ids.map((id, index): Place => {
    const angle = (2 * Math.PI * index) / Math.max(1, count) - Math.PI / 2
    const radius = isDouble && index % 2 === 1 ? 100 - 3 * size : 100
    const [x, y] = [Math.cos(angle), Math.sin(angle)]
    const away = 100 + size + 5
    const anchor = Math.abs(x) < 0.2 ? "middle" : x > 0 ? "start" : "end"
    return {
      id,
      x: x * radius,
      y: y * radius,
      label: { x: x * away, y: y * away + (anchor === "middle" ? (y < 0 ? -3 : 9) : 3), anchor }
    }
  })
  return { places, size, isNamed: count <= maxNamed }
}
