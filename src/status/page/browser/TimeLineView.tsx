/** The time line: it scrolls back and zooms by wheel, by drag, by keys and by buttons. */
import { useEffect, useRef, useState } from "preact/hooks"
import type * as History from "../../History.ts"
import * as Colour from "../Colour.ts"
import type * as Model from "../Model.ts"
import * as TimeLine from "../TimeLine.ts"

interface Props {
  readonly history: History.History
  readonly window: TimeLine.Window
  /** The server's clock, now. */
  readonly now: () => number
  readonly selected: Model.Selected | null
  readonly onSelect: (target: TimeLine.Target) => void
  readonly onWindow: (window: TimeLine.Window) => void
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" })
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" })

const percent = (part: number): string => `${(100 * part).toFixed(3)}%`

const isSame = (self: TimeLine.Target, that: Model.Selected | null): boolean =>
  that !== null && that.kind === self.kind && "index" in that && that.index === self.index

const byKey = (key: string, window: TimeLine.Window, now: number): TimeLine.Window | null => {
  switch (key) {
    case "ArrowLeft":
      return TimeLine.pan(window, -0.2, now)
    case "ArrowRight":
      return TimeLine.pan(window, 0.2, now)
    case "+":
    case "=":
      return TimeLine.zoom(window, 0.5, now)
    case "-":
      return TimeLine.zoom(window, 2, now)
    case "End":
      return { ...window, end: null }
    default:
      return null
  }
}

/** What a pointer that is held down drags. */
const useDrag = ({ now, onWindow, window }: Props) => {
  const from = useRef<{ readonly x: number; readonly window: TimeLine.Window } | null>(null)
  return {
    onPointerDown: (event: PointerEvent) => {
      from.current = { x: event.clientX, window }
    },
    onPointerMove: (event: PointerEvent) => {
      if (from.current === null || event.buttons === 0) return
      const { width } = (event.currentTarget as HTMLElement).getBoundingClientRect()
      const moved = (event.clientX - from.current.x) / width
      if (Math.abs(moved) > 0.005) onWindow(TimeLine.pan(from.current.window, -moved, now()))
    },
    onPointerUp: () => {
      from.current = null
    }
  }
}

const Buttons = ({ now, onWindow, window }: Props) => {
  const button = (label: string, sign: string, next: () => TimeLine.Window) => (
    <button
      type="button"
      aria-label={label}
      title={label}
      onClick={() => onWindow(next())}
    >
      {sign}
    </button>
  )
  return (
    <div class="buttons">
      {button("Earlier", "◀", () => TimeLine.pan(window, -0.5, now()))}
      {button("Later", "▶", () => TimeLine.pan(window, 0.5, now()))}
      {button("Shorter time", "+", () => TimeLine.zoom(window, 0.5, now()))}
      {button("Longer time", "−", () => TimeLine.zoom(window, 2, now()))}
      <button type="button" aria-pressed={window.end === null} onClick={() => onWindow({ ...window, end: null })}>
        Now
      </button>
    </div>
  )
}

/** Wheels are heard here by hand: only so may the page's own scrolling be kept from it. */
const useWheel = (props: Props) => {
  const area = useRef<HTMLDivElement>(null)
  const latest = useRef(props)
  latest.current = props
  useEffect(() => {
    const onWheel = (event: WheelEvent) => {
      const { now, onWindow, window } = latest.current
      const isSideways = Math.abs(event.deltaX) > Math.abs(event.deltaY)
      // A page that is scrolled past the time line goes on scrolling.
      if (!isSideways && !event.ctrlKey && !event.shiftKey) return
      event.preventDefault()
      const { left, width } = area.current!.getBoundingClientRect()
      onWindow(
        event.ctrlKey
          ? TimeLine.zoom(window, event.deltaY > 0 ? 1.25 : 0.8, now(), (event.clientX - left) / width)
          : TimeLine.pan(window, (isSideways ? event.deltaX : event.deltaY) / width, now())
      )
    }
    area.current?.addEventListener("wheel", onWheel, { passive: false })
    return () => area.current?.removeEventListener("wheel", onWheel)
  }, [])
  return area
}

const Lane = ({ lane: { bars, label }, onSelect, selected }: LaneProps) => (
  <div class="lane">
    <span class="name">{label}</span>
    <div class="track">
      {bars.map((bar) => (
        <button
          type="button"
          key={`${bar.target.kind} ${bar.target.index}`}
          class={`bar ${bar.target.kind} ${bar.of === null ? "" : Colour.of(bar.of)}`}
          aria-pressed={isSame(bar.target, selected)}
          aria-label={`${label}: ${bar.label}`}
          style={{ left: percent(bar.left), width: percent(bar.width) }}
          onClick={() => onSelect(bar.target)}
        >
          {bar.width > 0.05 ? bar.label : ""}
        </button>
      ))}
    </div>
  </div>
)

interface LaneProps extends Pick<Props, "selected" | "onSelect"> {
  readonly lane: TimeLine.Lane
}

const Axis = ({ at, window }: { readonly at: number; readonly window: TimeLine.Window }) => {
  const format = window.span > 86_400_000 ? day : clock
  const offset = -new Date(at).getTimezoneOffset() * 60_000
  return (
    <div class="lane axis" aria-hidden="true">
      <span class="name" />
      <div class="track">
        {TimeLine.ticks(window, at, Math.max(2, Math.min(8, Math.floor(innerWidth / 150))), offset).map((tick) => (
          <span key={tick.at} class="tick" style={{ left: percent(tick.left) }}>{format.format(tick.at)}</span>
        ))}
      </div>
    </div>
  )
}

export const TimeLineView = (props: Props) => {
  const { history, now, onSelect, onWindow, selected, window } = props
  const [, turn] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => turn((count) => count + 1), 1_000)
    return () => clearInterval(timer)
  }, [])
  const area = useWheel(props)
  const at = now()
  return (
    <section class="line" aria-labelledby="line">
      <header>
        <h2 id="line">Time line</h2>
        <Buttons {...props} />
      </header>
      <div
        class="lanes"
        ref={area}
        tabIndex={0}
        role="group"
        aria-label="Time line: arrows move it, plus and minus zoom, End shows the present"
        onKeyDown={(event) => {
          const next = byKey(event.key, window, now())
          if (next === null) return
          event.preventDefault()
          onWindow(next)
        }}
        {...useDrag(props)}
      >
        {TimeLine.lanes(history, window, at).map((lane) => (
          <Lane key={lane.key} lane={lane} selected={selected} onSelect={onSelect} />
        ))}
        <Axis at={at} window={window} />
      </div>
    </section>
  )
}
