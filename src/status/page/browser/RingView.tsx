/** The ring of members, with what moves drawn behind it. The table of members says the same to those who do not see it. */
import { useEffect, useMemo, useRef } from "preact/hooks"
import type { GroupStatus } from "../../http/Contract.ts"
import * as Ring from "../Ring.ts"
import * as Sky from "./Sky.ts"

interface Props {
  readonly members: GroupStatus["members"]
  readonly self: string
  /** Whether messages of servers are drawn. */
  readonly speaks: boolean
  readonly leader: string | null
  readonly selected: string | null
  readonly onSelect: (id: string) => void
  readonly onSky: (sky: Sky.Sky | null) => void
}

const { x, y } = Sky.view

/** A crown around 0, 12 wide. */
const crown = "M-6 4 L-6 -4 L-3 0 L0 -6 L3 0 L6 -4 L6 4 Z"

/** A name that is too long is cut, but for the port by which it may be told apart. */
const short = (name: string): string => {
  const [port = ""] = /:\d+$/.exec(name) ?? []
  return name.length > 14 ? `${name.slice(0, 13 - port.length)}…${port}` : name
}

interface MarkProps extends Omit<Props, "members" | "onSky" | "speaks"> {
  readonly member: GroupStatus["members"][number]
  readonly place: Ring.Place
  readonly ring: Ring.Ring
}

/** One member on the ring. */
const Mark = ({ leader, member, onSelect, place, ring, selected, self }: MarkProps) => {
  const isLeader = place.id === leader
  const kinds = [
    "member",
    isLeader && "leader",
    place.id === self && "self",
    place.id === selected && "selected",
    member.asked > 0 && "doubtful"
  ]
  // Neighbours on a crowded ring would write over each other: the table and the details have the other names.
  const isNamed = ring.isNamed || isLeader
  const size = isLeader ? Math.max(5, ring.size * 1.25) : ring.size
  return (
    <g class={kinds.filter(Boolean).join(" ")} onClick={() => onSelect(place.id)}>
      <title>{member.name}</title>
      <circle cx={place.x} cy={place.y} r={size} />
      {isLeader && <path d={crown} transform={`translate(${place.x} ${place.y}) scale(${size / 11})`} />}
      {isNamed && <text x={place.label.x} y={place.label.y} text-anchor={place.label.anchor}>{short(member.name)}
      </text>}
    </g>
  )
}

const kinds = ["heartbeat", "election", "objection", "leader", "lease"] as const

/** What the colours of messages mean. */
const Legend = () => (
  <ul class="legend" aria-hidden="true">
    {kinds.map((kind) => <li key={kind} class={kind}>{kind === "objection" ? "objection or vote" : kind}</li>)}
  </ul>
)

export const RingView = (props: Props) => {
  const { leader, members, onSky } = props
  const canvas = useRef<HTMLCanvasElement>(null)
  const sky = useRef<Sky.Sky | null>(null)
  const ids = members.map(({ id }) => id)
  const ring = useMemo(() => Ring.of(ids), [ids.join()])
  useEffect(() => {
    sky.current = canvas.current === null ? null : Sky.make(canvas.current)
    onSky(sky.current)
    return () => {
      onSky(null)
      sky.current?.close()
    }
  }, [])
  useEffect(() => sky.current?.place(ring), [ring])
  const leads = members.find(({ id }) => id === leader)
  const summary = `${members.length} members on a ring; ${leads === undefined ? "nobody leads" : `${leads.name} leads`}`
  return (
    <>
      <div class="ring">
        <canvas ref={canvas} aria-hidden="true" />
        <svg
          class={ring.isNamed ? "" : "crowded"}
          viewBox={`${-x} ${-y} ${2 * x} ${2 * y}`}
          role="img"
          aria-label={summary}
        >
          <circle r="100" class="orbit" />
          {ring.places.map((place, index) => (
            <Mark key={place.id} {...props} place={place} member={members[index]!} ring={ring} />
          ))}
          <text class="middle" y="-2" text-anchor="middle">
            {leads === undefined ? "nobody leads" : short(leads.name)}
          </text>
          <text class="below" y="12" text-anchor="middle">
            {leads === undefined ? "" : "leads · "}
            {members.length} {members.length === 1 ? "member" : "members"}
          </text>
        </svg>
      </div>
      {props.speaks && <Legend />}
    </>
  )
}
