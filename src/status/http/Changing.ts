/** What can be changed over HTTP: messages are sent, and the lead is given up, left for a while, or transferred. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Option from "effect/Option"
import type * as Member from "../../protocol/model/Member.ts"
import * as Group from "../../server/Group.ts"
import * as Leadership from "../../server/Leadership.ts"
import * as Publishing from "../../server/Publishing.ts"
import * as Contract from "./Contract.ts"
import * as Problem from "./Problem.ts"

/** How long a request waits for the acknowledgement of its message. */
const sendWithin = Duration.seconds(10)

const cannotSend = new Problem.NotAllowed({
  detail:
    "no messages can be sent through this server: its backend carries none, or its app does not give these routes the service Publishing"
})

const sendProblem = (error: Publishing.PublishError): Problem.NotAllowed | Problem.NotDelivered => {
  switch (error._tag) {
    case "BodyTooLarge":
    case "BodyNotJson":
      return new Problem.NotAllowed({ detail: error.message })
    case "NotPublished":
      return new Problem.NotDelivered({ detail: error.message, mayArrive: error.mayArrive })
    case "OlderReaders":
    case "QueueFull":
      return new Problem.NotDelivered({ detail: error.message, mayArrive: false })
  }
}

/** The election that a request names, if this server takes part in it: to ask for another would be to join it. */
const electionOf = Effect.fnUntraced(function*(group: Group.GroupShape, name = "") {
  const { elections } = yield* group.status
  if (elections.some((election) => election.name === name)) return name
  return yield* new Problem.NoSuchElection({
    election: name,
    detail: `those that it takes part in: ${elections.map((election) => JSON.stringify(election.name)).join(", ")}`
  })
})

/** What is done in an election that this server takes part in. */
const within = <A, E>(
  leadership: Leadership.LeadershipShape,
  election: string,
  act: (leadership: Leadership.LeadershipShape) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  election === ""
    ? act(leadership)
    // It takes part already, so nothing is refused.
    : Effect.scoped(Effect.flatMap(Effect.orDie(leadership.of(election)), act))

const notLeading = (election: string) => () =>
  new Problem.NotTheLeader({ election, detail: "ask the leader: GET /health/leader names it" })

/** The member that a text names, by its id or, if only one goes by it, by its name. */
const memberOf = Effect.fnUntraced(function*(group: Group.GroupShape, text: string) {
  const members = yield* group.members
  const named = members.filter(({ id, name }) => id === text || name === text)
  const [member] = named
  if (member !== undefined && named.length === 1) return member
  return yield* new Problem.NoSuchMember({
    member: text,
    detail: named.length > 1
      ? `${named.length} members go by that name: give the id of one`
      : "give the id or the name of one of the members in /api/group"
  })
})

/** The handlers of the contract's group `control`. */
export const layer = HttpApiBuilder.group(
  Contract.Api,
  "control",
  Effect.fnUntraced(function*(handlers) {
    const group = yield* Group.Group
    const leadership = yield* Leadership.Leadership
    const publishing = Option.getOrNull(yield* Effect.serviceOption(Publishing.Publishing))
    return handlers
      .handle("send", ({ payload }) =>
        publishing === null
          ? Effect.fail(cannotSend)
          : publishing.send(payload.body, { within: sendWithin }).pipe(
            Effect.mapBoth({ onSuccess: (seq) => ({ seq }), onFailure: sendProblem })
          ))
      .handle(
        "resign",
        ({ query }) =>
          Effect.flatMap(
            electionOf(group, query.election),
            (election) => within(leadership, election, ({ resign }) => Effect.mapError(resign, notLeading(election)))
          )
      )
      .handle(
        "stepDown",
        Effect.fnUntraced(function*({ payload, query }) {
          const election = yield* electionOf(group, query.election)
          const duration = Duration.fromInput(payload.for as Duration.Input)
          if (Option.isNone(duration)) return yield* new Problem.NotAllowed({ detail: notATime(payload.for) })
          yield* within(leadership, election, ({ stepDownFor }) =>
            Effect.mapError(
              stepDownFor(duration.value),
              () => new Problem.NotAllowed({ detail: notATime(payload.for) })
            ))
        })
      )
      .handle(
        "transfer",
        Effect.fnUntraced(function*({ payload, query }) {
          const election = yield* electionOf(group, query.election)
          const member = yield* memberOf(group, payload.to)
          yield* within(
            leadership,
            election,
            ({ transferTo }) => Effect.mapError(transferTo(member), transferProblem(election, member))
          )
        })
      )
  })
)

const notATime = (was: string) =>
  `for is ${JSON.stringify(was)}; allowed: a duration from 1ms to 24h, such as "30 seconds"`

const transferProblem =
  (election: string, member: Member.Member) =>
  (error: Leadership.NotLeading | Leadership.NoSuchMember | Leadership.TransferFailed) => {
    switch (error._tag) {
      case "NotLeading":
        return notLeading(election)()
      case "NoSuchMember":
        return new Problem.NoSuchMember({ member: member.id, detail: error.message })
      case "TransferFailed":
        return new Problem.TransferFailed({ to: error.to, leader: error.leader, detail: error.message })
    }
  }
