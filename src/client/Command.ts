/**
 * Commands one server of a group over the network, without joining it. The group is asked who is in it first; then the server is
 * told until it answers, and does it once.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Commands from "../protocol/Commands.ts"
import type { Commander } from "../protocol/model/CommandMessages.ts"
import { type Address, formatAddress } from "../protocol/model/Member.ts"
import type * as Message from "../protocol/model/Message.ts"
import * as Frame from "../protocol/wire/Frame.ts"
import * as Keys from "../server/Keys.ts"
import * as Seeds from "../server/Seeds.ts"
import * as Spelling from "../settings/Spelling.ts"
import * as Datagrams from "../transport/Datagrams.ts"
import * as Messenger from "../transport/Messenger.ts"
import * as Inquiry from "./Inquiry.ts"

/** No member, or more than one, is called so. Programs exit with 2. */
export class MemberUnknown extends Schema.TaggedError<MemberUnknown>()("MemberUnknown", {
  /** What it was given for, such as `--at`. */
  as: Schema.String,
  called: Schema.String,
  among: Schema.Array(Schema.String),
  /** The members that are meant, if they are several; else one whose name is near, if there is one. */
  meant: Schema.Array(Schema.String)
}) {
  override readonly [Runtime.errorExitCode] = 2
  override readonly [Runtime.errorReported] = false
  override get message() {
    const { among, as, called, meant } = this
    if (meant.length > 1) return `${as} is ${called}, which may be ${meant.join(" or ")}; allowed: an id or an address`
    const near = meant.length === 1 ? `; did you mean ${meant[0]}?` : ""
    const shown = among.length > 12 ? [...among.slice(0, 12), `${among.length - 12} more`] : among
    return `${as} is ${called}; allowed: the name, the id or the address of a member: ${shown.join(", ")}${near}`
  }
}

/** The server has not done it, and says why. Programs exit with 1. */
export class CommandRefused extends Schema.TaggedError<CommandRefused>()("CommandRefused", {
  at: Schema.String,
  outcome: Schema.String,
  election: Schema.String,
  member: Schema.optionalKey(Schema.String)
}) {
  override readonly [Runtime.errorExitCode] = 1
  override readonly [Runtime.errorReported] = false
  override get message() {
    return `${this.at} refuses: ${why(this)}`
  }
}

/** The server has not answered: it may have done it all the same. Programs exit with 3. */
export class NotAnswered extends Schema.TaggedError<NotAnswered>()("NotAnswered", {
  at: Schema.String,
  within: Schema.Natural
}) {
  override readonly [Runtime.errorExitCode] = 3
  override readonly [Runtime.errorReported] = false
  override get message() {
    return `${this.at} has not answered within ${this.within} ms: whether it has done it is not known; `
      + "a server of an older version takes no commands"
  }
}

const why = ({ election, member = "it", outcome }: CommandRefused): string => {
  const named = election === "" ? "" : ` the election ${election}`
  switch (outcome) {
    case "NotAllowed":
      return "it takes commands of who has the group's key; without a key, from this host over loopback only"
    case "NotLeading":
      return `it does not lead${named}`
    case "NoSuchMember":
      return election === "" ? `${member} is no member as it sees the group` : `${member} takes no part in${named}`
    case "NoElection":
      return `it takes no part in${named}`
    case "Alive":
      return `${member} answers, so it stays`
    case "Leaving":
      return "it is leaving the group"
    default:
      return `it does not know this command (${outcome})`
  }
}

/** What is commanded. `member` is called as `at` is: by its name, its id or the beginning of it, or its address. */
export interface Order {
  readonly what: "Resign" | "StepDown" | "Transfer" | "Evict"
  /** Who is to do it; none: the server that answers first. */
  readonly at: string | null
  readonly election: string
  readonly millis?: number | undefined
  readonly member?: { readonly as: string; readonly called: string } | undefined
}

/** What was done: by whom, and to whom. */
export interface Done {
  readonly at: Message.Listed
  readonly member: Message.Listed | null
}

/** Commands it, as this user of this host. */
export const command = Effect.fnUntraced(
  function*(
    settings: Inquiry.Questioned,
    order: Order,
    options: { readonly by: Commander; readonly timeout: Duration.Duration }
  ) {
    const [asking, answer] = yield* Effect.timed(Inquiry.members(settings, options))
    const { members } = answer
    const by = members.find(({ id }) => id === answer.by)
    const at = order.at === null
      // It is heard where it answered.
      ? { ...by ?? (yield* unknown("the server that answered", answer.by, members)), ...answer.from }
      : yield* find("--at", order.at, members)
    const member = order.member === undefined ? null : yield* find(order.member.as, order.member.called, members)
    const { outcome } = yield* tell(settings, order, { at, member, by: options.by }, {
      within: options.timeout,
      rest: Duration.max(Duration.subtract(options.timeout, asking), Duration.times(options.timeout, 0.5))
    })
    if (outcome === "Done") return { at, member } satisfies Done
    return yield* new CommandRefused({
      at: who(at),
      outcome,
      election: order.election,
      ...(member === null ? {} : { member: who(member) })
    })
  }
)

/** A member for people: its name, and where it is. */
export const who = (member: Pick<Message.Listed, "name" | "ip" | "port">): string =>
  `${member.name} (${formatAddress(member)})`

const unknown = (
  as: string,
  called: string,
  members: ReadonlyArray<Message.Listed>,
  meant: ReadonlyArray<string> = []
) => Effect.fail(new MemberUnknown({ as, called, among: members.map(({ name }) => name), meant }))

/** So many letters of an id are enough. */
const shortestId = 4

const find = (
  as: string,
  called: string,
  members: ReadonlyArray<Message.Listed>
): Effect.Effect<Message.Listed, MemberUnknown> => {
  const isShort = called.length >= shortestId
  const exact = members.filter((member) => member.id === called || formatAddress(member) === called)
  const named = members.filter(({ name }) => name === called)
  const begun = members.filter(({ id }) => isShort && id.startsWith(called))
  const found = [exact, named, begun].find(({ length }) => length > 0)
  if (found === undefined) {
    const near = Spelling.nearest(called, members.map(({ name }) => name))
    return unknown(as, called, members, near === undefined ? [] : [near])
  }
  const [one, ...others] = found
  return one !== undefined && others.length === 0
    ? Effect.succeed(one)
    : unknown(as, called, members, found.map((member) => `${member.name} ${member.id} at ${formatAddress(member)}`))
}

/** Tells the server until it answers. */
const tell = (
  settings: Inquiry.Questioned,
  { election, millis, what }: Order,
  { at, by, member }: { readonly at: Message.Listed; readonly member: Message.Listed | null; readonly by: Commander },
  { rest, within }: { readonly rest: Duration.Duration; readonly within: Duration.Duration }
) =>
  Effect.scoped(Effect.gen(function*() {
    const { group, interfaces, multicast, multicastAddress, port, ttl } = settings
    const keys = yield* Keys.make(settings, Duration.toMillis(within))
    const endpoint = yield* (yield* Datagrams.Datagrams).open({
      multicastAddress,
      port,
      ttl,
      interfaces,
      multicast,
      unicastPort: 0
    })
    const seeds = yield* Seeds.make(settings, endpoint)
    const messenger = yield* Messenger.make(endpoint, Frame.groupTag(group), () => {}, seeds.holds, keys)
    const numbers = yield* Effect.all([Random.next, Random.next])
    const nonce = numbers.map((one) => Math.floor(one * 0x1_0000_0000).toString(16).padStart(8, "0")).join("")
    const message: Message.Of<"COMMAND"> = {
      type: "COMMAND",
      nonce,
      to: { id: at.id, incarnation: at.incarnation },
      what,
      election,
      ...(millis === undefined ? {} : { for: millis }),
      ...(member === null ? {} : { member: { id: member.id, incarnation: member.incarnation } }),
      by
    }
    const answered = Effect.raceFirst(listen(messenger, nonce), say(messenger, at, message))
    return yield* answered.pipe(
      Effect.timeoutOrElse({
        duration: rest,
        orElse: () => Effect.fail(new NotAnswered({ at: who(at), within: Math.round(Duration.toMillis(within)) }))
      })
    )
  }))

const listen = Effect.fnUntraced(function*(
  messenger: Messenger.Messenger,
  nonce: string
): Effect.fn.Return<Message.Of<"COMMAND_DONE">> {
  while (true) {
    for (const { message } of yield* messenger.receive) {
      if (Commands.isAnswer(message, nonce)) return message
    }
  }
})

/** The first gap between two of them, in ms; each is twice the one before, up to the longest. */
const gaps = { first: 100, longest: 1_600 } as const

const say = (messenger: Messenger.Messenger, to: Address, message: Message.Message) =>
  Effect.gen(function*() {
    for (let gap: number = gaps.first;; gap = Math.min(gaps.longest, 2 * gap)) {
      // A network that is not there yet may come within the time-out.
      yield* Effect.catch(messenger.send(to, message), (error) => Effect.logDebug(error.message))
      yield* Effect.sleep(gap)
    }
  })
