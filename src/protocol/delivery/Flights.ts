/**
 * What one has sent and what waits to be sent: numbered, at most {@link Client.window} of them on their way, each sent again until
 * the leader has it. A client has flights, and so does a server that publishes.
 */
import * as Client from "../model/Client.ts"
import * as Parts from "./Parts.ts"

/** A message, or a part of one, that waits for its acknowledgement. Its sender knows the message by `ticket`. */
export interface Flight extends Queued {
  readonly seq: number
  /** How often it was sent to the server that we talk to now, and when for the first time. */
  readonly tries: number
  readonly since: number
  readonly dueAt: number
  /** Whether the server that we talk to now was given it, and whether one before it was. */
  readonly isSaid: boolean
  readonly wasSaid: boolean
}

/** A message, or a part of one, that waits for others to be acknowledged; it has no number yet. */
export interface Queued extends Client.About {
  readonly ticket: number
  readonly body: Client.Body
}

/** What one has sent and what waits to be: `seq` is the number of the newest message, or of its newest part. */
export interface Flights {
  readonly seq: number
  readonly flights: ReadonlyArray<Flight>
  readonly queue: ReadonlyArray<Queued>
  /** How long an acknowledgement takes of late, in ms, from the first time that its message was sent. */
  readonly roundTrip: number
  /** How many messages with numbers were given up: numbers behind such a one are of this count alone. */
  readonly refused: number
}

/** How many messages or parts wait at most behind those on their way; of one message alone more may. */
export const queueLimit = 1_024

/** The first wait for an answer and the longest, in ms; it doubles in between. */
export const backoff = { first: 200, longest: 2_000 } as const

/** The weight of each new round trip in their mean: that of RFC 6298. */
const newest = 1 / 8

/** Nothing was sent. */
export const none: Flights = { seq: 0, flights: [], queue: [], roundTrip: 0, refused: 0 }

/** The same of one that has more. */
export const of = ({ flights, queue, refused, roundTrip, seq }: Flights): Flights => ({
  seq,
  flights,
  queue,
  roundTrip,
  refused
})

/** What a message says of the count. */
export const aboutCount = ({ refused }: Pick<Flights, "refused">): { readonly refused?: number } =>
  refused === 0 ? {} : { refused }

/** A message waits from now on; null where too many do. */
export const add = (
  { queue, ...rest }: Flights,
  { body, ticket, topic }: { readonly ticket: number; readonly body: Client.Body; readonly topic?: string | undefined }
): Flights | null => {
  const pieces = Parts.split(body, topic)
  if (queue.length > 0 && queue.length + pieces.length > queueLimit) return null
  const waits = (piece: Parts.Piece): Queued => ({ ticket, ...piece })
  return { ...rest, queue: [...queue, ...pieces.map(waits)] }
}

/** A message is not to be sent any more. If a part of it has gone out, nothing can take it back. */
export const withdraw = (all: Flights, ticket: number): Flights =>
  all.flights.some((flight) => flight.ticket === ticket) ? all : without(all, ticket)

const without = (all: Flights, ticket: number): Flights => {
  const isOther = (one: Queued) => one.ticket !== ticket
  return { ...all, flights: all.flights.filter(isOther), queue: all.queue.filter(isOther) }
}

/**
 * The message that a refusal ends. A refused part says nothing of those before it, which may be accepted: if one of these is not
 * acknowledged yet, it is sent again, and that one's refusal counts.
 */
export const refusedBy = (
  { flights, refused }: Pick<Flights, "flights" | "refused">,
  refusal: { readonly seq: number; readonly refused?: number }
): Flight | undefined => {
  const flight = flights.find(({ seq }) => seq === refusal.seq)
  if (flight === undefined || (refusal.refused ?? 0) !== refused) return undefined
  return flights.find(({ ticket }) => ticket === flight.ticket) === flight ? flight : undefined
}

/**
 * A message is given up, with all its parts: if `isRefused` since the leader of now does not accept it. If no leader can have
 * accepted it, those behind it take its numbers, so that no receiver misses any. The others are sent at once.
 */
export const giveUp = (all: Flights, ticket: number, now: number, isRefused: boolean): Flights => {
  const rest = without(all, ticket)
  const gone = all.flights.filter((flight) => flight.ticket === ticket)
  if (gone.length === 0) return rest
  const isFree = gone.every(({ isSaid, wasSaid }) => !wasSaid && (isRefused || !isSaid))
  const free = isFree ? gone.length : 0
  const from = gone[0]!.seq
  const again = (flight: Flight): Flight => ({
    ...flight,
    seq: flight.seq > from ? flight.seq - free : flight.seq,
    // The leader has not been asked by this number yet, however often it was by the one before.
    tries: 0,
    since: now,
    dueAt: now
  })
  return { ...rest, seq: all.seq - free, flights: rest.flights.map(again), refused: all.refused + 1 }
}

/** The messages that an older program would read as something else, by their tickets. */
export const newer = ({ flights, queue }: Pick<Flights, "flights" | "queue">): ReadonlySet<number> =>
  new Set([...flights, ...queue].filter(Client.isNewer).map(({ ticket }) => ticket))

/** The messages of which the server that we talk to now was given something, by their tickets. */
export const said = ({ flights }: Pick<Flights, "flights">): ReadonlySet<number> =>
  new Set(flights.filter(({ isSaid }) => isSaid).map(({ ticket }) => ticket))

/** The lowest number that is not acknowledged. */
export const oldest = ({ flights, seq }: Flights): number => flights[0]?.seq ?? seq + 1

/** Those that wait get their numbers, as far as there is room for them on the way. */
export const launch = (all: Flights, now: number): Flights => {
  const next = all.queue.slice(0, Math.max(0, oldest(all) + Client.window - 1 - all.seq))
  if (next.length === 0) return all
  return {
    ...all,
    queue: all.queue.slice(next.length),
    flights: [
      ...all.flights,
      ...next.map((queued, at) => ({ ...queued, ...fresh, seq: all.seq + 1 + at, since: now, dueAt: now }))
    ],
    seq: all.seq + next.length
  }
}

const fresh = { tries: 0, isSaid: false, wasSaid: false } as const

/** Those that are due were sent, except for those that wait for another word of the leader. */
export const sent = (all: Flights, now: number, waits: (flight: Flight) => boolean = () => false): Flights => {
  // A leader that has more to do than it can takes longer for each; to ask it again meanwhile would give it still more.
  const first = Math.max(backoff.first, 2 * all.roundTrip)
  return {
    ...all,
    flights: all.flights.map((flight) => flight.dueAt <= now ? flown(flight, now, first, waits) : flight)
  }
}

const flown = (flight: Flight, now: number, first: number, waits: (flight: Flight) => boolean): Flight => ({
  ...flight,
  tries: flight.tries + 1,
  isSaid: flight.isSaid || !waits(flight),
  dueAt: now + Math.min(backoff.longest, first * 2 ** flight.tries)
})

/** There is another leader, which has not acknowledged anything yet: it is given all there is of that kind, at once. */
export const restart = (
  flights: ReadonlyArray<Flight>,
  now: number,
  isConcerned: (flight: Flight) => boolean = () => true
): ReadonlyArray<Flight> =>
  flights.map((flight) =>
    isConcerned(flight)
      ? { ...flight, ...fresh, since: now, dueAt: now, wasSaid: flight.wasSaid || flight.isSaid }
      : flight
  )

/** When the next is due, Infinity where none is. */
export const dueAt = ({ flights }: Flights): number => {
  let due = Infinity
  for (const flight of flights) due = Math.min(due, flight.dueAt)
  return due
}

/**
 * A leader accepts in order: what it acknowledges or relays, it acknowledges with all before it. Gives the flights that have ended,
 * and the messages of which they are the last part.
 */
export const acknowledged = (
  all: Flights,
  upTo: number,
  now: number
): { readonly rest: Flights; readonly whole: ReadonlyArray<Flight> } => {
  const { flights, seq } = all
  const first = flights.findIndex((flight) => flight.seq > upTo)
  const count = upTo > seq ? 0 : first < 0 ? flights.length : first
  if (count === 0) return { rest: all, whole: [] }
  const ended = flights.slice(0, count)
  // Of one that was sent again it may be the wait for the second: then it is too long, and errs on the leader's side.
  const roundTrip = ended.reduce((mean, { since }) => mean + newest * (now - since - mean), all.roundTrip)
  return { rest: { ...all, flights: flights.slice(count), roundTrip }, whole: ended.filter(isLast) }
}

const isLast = ({ part }: Queued): boolean => part === undefined || part.at === part.of - 1
