/** What tells the states of a server apart for the explorer: a text that says all that may matter later, and nothing else. */
import * as HashMap from "effect/HashMap"
import type { State } from "../../protocol/model/State.ts"
import type * as Step from "../../protocol/Step.ts"
import type * as StepInvariants from "../StepInvariants.ts"

/** What happens to a server at some time besides its timers. */
export interface Due {
  readonly at: number
  readonly what: Step.Input | "heartbeat" | "sweep"
}

/** One server at one time. Its state counts from a beginning of its own; only what that is from `now` matters. */
export interface ServerState {
  readonly index: number
  readonly state: State
  readonly now: number
  /** In the order in which it is due. */
  readonly agenda: ReadonlyArray<Due>
  readonly past: StepInvariants.Past
  /** How many questions it has asked: the next one's name is drawn from it. */
  readonly asked: number
}

/** 53 bits that two server states share if and only if all that may follow is the same, but for a chance of some millionths. */
export const hash = (of: ServerState): number => hashText(canonical(of))

/** The text that two of them share if and only if all that may follow is the same. */
const canonical = ({ agenda, asked, index, now, past, state }: ServerState): string => {
  // What has been so for longer than this has always been so.
  const longest = 2 * Math.max(state.timing.memberTimeout, 3 * state.timing.heartbeatInterval)
  const write = (value: unknown, key: string): string => {
    if (typeof value === "number") return times.has(key) ? writeTime(value - now, key, longest) : String(value)
    if (typeof value !== "object" || value === null) return String(value)
    if (HashMap.isHashMap(value) || value instanceof Map) {
      const entries: Array<string> = []
      for (const [name, one] of value as Iterable<[unknown, unknown]>) {
        entries.push(`${String(name)}:${write(one, key)}`)
      }
      return `{${entries.sort().join()}}`
    }
    if (Array.isArray(value)) return `[${value.map((one) => write(one, key)).join()}]`
    if ("hostname" in value && "incarnation" in value && "id" in value) {
      return `${String(value.id)}#${String(value.incarnation)}`
    }
    let text = "{"
    for (const name in value) {
      if (!idle.has(name)) text += `${name}:${write((value as Record<string, unknown>)[name], name)},`
    }
    return `${text}}`
  }
  const due = agenda.map(({ at, what }) => `${at - now}${typeof what === "string" ? what : what._tag}`)
  for (const { due: at, key, timer } of state.timers) due.push(`${at - now}${key}${write(timer, "")}`)
  return `${index} ${asked} ${state.self.incarnation} ${due.join()} ${write(state, "")} ${write(past, "")}`
}

const writeTime = (since: number, key: string, longest: number): string => {
  // How long ago a lead was lost counts for longer than anything else.
  if (dampings.has(key)) return String(since)
  return since < -longest ? "old" : since > longest ? "never" : String(since)
}

/** What is a point in time, anywhere in a state. */
const times: ReadonlySet<string> = new Set([
  "heardAt",
  "witnessedAt",
  "deafAt",
  "againAt",
  "votesAt",
  "multicastAt",
  "joinedAt",
  "until",
  "since",
  "secondHandAt",
  "leaderNotices",
  "drainUntil",
  "backoffUntil",
  "workUntil",
  "lastUntil",
  "passedUntil",
  "hearsUsAt",
  "lostAt",
  "wholeSince",
  "silentUntil",
  "monotonic",
  "sentAt",
  "leaseStart",
  "askedAt",
  "duplicateAt",
  "startedAt",
  "anewAt",
  "noticedAt",
  "comparedAt",
  "relayedAt",
  "repairAt",
  "hearsUsAt",
  "proofAskedAt",
  "provenAt",
  "unansweredAt",
  "unheardSince"
])

const dampings: ReadonlySet<string> = new Set(["lostAt", "wholeSince"])

/** What decides nothing, or is the same in all states, or stands elsewhere in the text. */
const idle: ReadonlySet<string> = new Set([
  "timing",
  "self",
  "addresses",
  "lookedAt",
  "lookedSinceBoot",
  "signedAt",
  "signedSinceBoot",
  // No answer takes so long here that its questions would be further apart for it.
  "timed",
  "slowest",
  "doubts",
  "generation",
  "lag",
  "timers",
  "raised",
  "cause"
])

/** 53 bits of a text. */
const hashText = (text: string): number => {
  let one = 0xdeadbeef
  let two = 0x41c6ce57
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    one = Math.imul(one ^ code, 2_654_435_761)
    two = Math.imul(two ^ code, 1_597_334_677)
  }
  one = Math.imul(one ^ (one >>> 16), 2_246_822_507) ^ Math.imul(two ^ (two >>> 13), 3_266_489_909)
  two = Math.imul(two ^ (two >>> 16), 2_246_822_507) ^ Math.imul(one ^ (one >>> 13), 3_266_489_909)
  return 4_294_967_296 * (2_097_151 & two) + (one >>> 0)
}
