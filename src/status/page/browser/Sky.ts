/** Draws behind the ring what moves: heartbeats as they come, and messages on their way. It draws only while something does. */
import type * as Flights from "../Flights.ts"
import { kindOf } from "../Flights.ts"
import type * as Ring from "../Ring.ts"

/** What is under way: a message between two places, or a heartbeat at one. */
interface Moving {
  readonly from: Ring.Point
  readonly to: Ring.Point | null
  readonly colour: string
  readonly type: string
  readonly since: number
}

/** How long a message is seen on its way, and a heartbeat, in ms: much longer than it takes. */
const lasting = { flight: 900, beat: 650 } as const

/** The most that is drawn at a time: what comes beyond it is left out. */
const most = 600

/** In a group of so many there is space for names of messages, and for every heartbeat on its way. */
const fewMembers = 30

/** What draws over one ring. */
export interface Sky {
  readonly show: (seen: Flights.Seen) => void
  readonly place: (ring: Ring.Ring) => void
  readonly close: () => void
}

const isNamed = new Set(["election", "objection", "leader"])

/** The visible square: half its width, in the ring's units. */
export const view = { x: 175, y: 130 } as const

/** How the ring is seen now. */
interface Scene {
  readonly places: ReadonlyMap<string, Ring.Place>
  readonly size: number
  /** Whether nothing may move: then only where something happens is shown. */
  readonly isStill: boolean
}

/** Draws one, as it is at that moment; false where it is over. */
const paint = (context: CanvasRenderingContext2D, moving: Moving, scene: Scene, now: number): boolean => {
  const { colour, from, since, to, type } = moving
  const { isStill, places, size } = scene
  const part = (now - since) / (to === null ? lasting.beat : lasting.flight)
  if (part >= 1) return false
  context.globalAlpha = 1 - Math.max(0, part) ** 2
  context.strokeStyle = colour
  context.fillStyle = colour
  context.beginPath()
  if (to === null) {
    context.lineWidth = Math.min(1.2, size / 3)
    context.arc(from.x, from.y, isStill ? size * 1.3 : size * (1 + 1.2 * Math.max(0, part)), 0, 7)
    context.stroke()
    return true
  }
  const along = isStill ? 1 : 1 - (1 - Math.max(0, part)) ** 2
  const at = { x: from.x + (to.x - from.x) * along, y: from.y + (to.y - from.y) * along }
  context.lineWidth = 1.2
  context.moveTo(from.x, from.y)
  context.lineTo(at.x, at.y)
  context.stroke()
  if (!isStill) context.fillRect(at.x - 2, at.y - 2, 4, 4)
  if (isNamed.has(kindOf(type)) && places.size <= fewMembers) {
    context.fillText(type, (from.x + at.x) / 2 + 3, (from.y + at.y) / 2 - 3)
  }
  return true
}

/** Fits the canvas to its place on the page, and its units to the ring's. */
const prepare = (canvas: HTMLCanvasElement, context: CanvasRenderingContext2D): void => {
  const ratio = devicePixelRatio
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)]
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  const scale = Math.min(width / (2 * view.x), height / (2 * view.y))
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.clearRect(0, 0, width, height)
  context.setTransform(scale, 0, 0, scale, width / 2, height / 2)
  context.font = "6px system-ui, sans-serif"
}

export const make = (canvas: HTMLCanvasElement): Sky => {
  const context = canvas.getContext("2d")
  const stillness = matchMedia("(prefers-reduced-motion: reduce)")
  let scene = { places: new Map<string, Ring.Place>(), size: 5 }
  let moving: Array<Moving> = []
  let frame = 0
  const draw = (now: number): void => {
    if (context === null) return
    prepare(canvas, context)
    const seen = { ...scene, isStill: stillness.matches }
    moving = moving.filter((one) => paint(context, one, seen, now))
    frame = moving.length > 0 ? requestAnimationFrame(draw) : 0
  }
  const colours = new Map<string, string>()
  const colourOf = (type: string): string => {
    const kind = kindOf(type)
    const known = colours.get(kind) ?? getComputedStyle(canvas).getPropertyValue(`--${kind}`)
    colours.set(kind, known)
    return known
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => colours.clear())
  const add = (type: string, fromId: string, toId: string | null) => {
    const { places } = scene
    const [from, to] = [places.get(fromId), toId === null ? null : places.get(toId)]
    if (from === undefined || to === undefined || moving.length >= most) return
    moving.push({ from, to, type, colour: colourOf(type), since: performance.now() })
  }
  return {
    place: ({ places, size }) => {
      scene = { places: new Map(places.map((place) => [place.id, place])), size }
    },
    show: ({ beats, flights }) => {
      if (beats !== null) add("SERVER_ALIVE", beats, null)
      // In a large group heartbeats are shown where they are, not on their way.
      for (const { from, to, type } of flights) {
        if (type !== "SERVER_ALIVE" || scene.places.size <= fewMembers) add(type, from, to)
      }
      if (frame === 0 && moving.length > 0) frame = requestAnimationFrame(draw)
    },
    close: () => cancelAnimationFrame(frame)
  }
}
