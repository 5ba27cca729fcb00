/** The middleware of the API: each asks `Access`, and lets a request through or answers with a problem. */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Group from "../../server/Group.ts"
import * as Access from "./Access.ts"
import * as Contract from "./Contract.ts"
import * as Problem from "./Problem.ts"

/** What the guards go by. */
export interface Policy {
  /** The token that allows changes; undefined where nothing may be changed. */
  readonly token: Redacted.Redacted | undefined
  /** Whether the token is needed to look, too. */
  readonly closed: boolean
  /** The names that a request may name as its host, besides addresses and names of loopback. */
  readonly hosts: ReadonlySet<string>
}

/** Refuses what names another host, or was made by a page of another site. */
export const refuseForeign = (
  { headers, method }: HttpServerRequest.HttpServerRequest,
  { hosts }: Policy
): Problem.ForeignRequest | null => {
  const { host } = headers
  if (!Access.isOurHost(host, hosts)) {
    return new Problem.ForeignRequest({
      detail: `this server does not go by the name ${JSON.stringify(host ?? "")}: see the setting httpHosts`
    })
  }
  return Access.isCrossSite({ method, headers })
    ? new Problem.ForeignRequest({ detail: "a page of another site made this request" })
    : null
}

const holds = ({ token }: Policy, credential: Redacted.Redacted): boolean =>
  token !== undefined && Access.isSame(Redacted.value(token), Redacted.value(credential))

/** What is said to somebody who does not send the token. */
const refuseWithout = (policy: Policy, credential: Redacted.Redacted): Problem.TokenRefused | null =>
  holds(policy, credential)
    ? null
    : new Problem.TokenRefused({ detail: "send the token of this server as a bearer token" })

/** Whether somebody with this token may look. */
export const mayLook = (policy: Policy, credential: Redacted.Redacted): Problem.TokenRefused | null =>
  policy.closed ? refuseWithout(policy, credential) : null

/** Whether somebody with this token may change things. */
export const mayChange = (
  policy: Policy,
  credential: Redacted.Redacted
): Problem.TokenRefused | Problem.ReadOnly | null =>
  policy.token === undefined
    ? new Problem.ReadOnly({ detail: "set httpToken or httpTokenFile to allow changes" })
    : refuseWithout(policy, credential)

/** The most that a request may carry besides the largest message. */
const besides = 16_384

const guarded = <A, E, R, E2>(effect: Effect.Effect<A, E, R>, refusal: E2 | null): Effect.Effect<A, E | E2, R> =>
  refusal === null ? effect : Effect.fail(refusal)

/** The guards by a policy. */
export const layer = (
  policy: Policy
): Layer.Layer<Contract.SameSite | Contract.MayLook | Contract.MayChange, never, Group.Group> =>
  Layer.unwrap(
    Effect.map(Group.Group, ({ settings }) => guards(policy, ByteSize.bytes(besides + settings.maxMessageBytes)))
  )

const guards = (policy: Policy, maxBody: ByteSize.ByteSize) =>
  Layer.mergeAll(
    Layer.succeed(Contract.SameSite, (effect) =>
      Effect.flatMap(
        HttpServerRequest.HttpServerRequest,
        (request) =>
          guarded(
            Effect.provideService(effect, HttpIncomingMessage.MaxBodySize, maxBody),
            refuseForeign(request, policy)
          )
      )),
    Layer.succeed(Contract.MayLook, {
      token: (effect, { credential }) => guarded(effect, mayLook(policy, credential))
    }),
    Layer.succeed(Contract.MayChange, {
      token: (effect, { credential }) => guarded(effect, mayChange(policy, credential))
    })
  )
