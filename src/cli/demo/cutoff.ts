/**
 * A server that can be cut off from its network: what it sends goes nowhere, and what arrives for it is not heard. It is inside the
 * server's own transport, so it needs no rights on the host.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Datagrams, type Endpoint } from "../../transport/Datagrams.ts"

const through = (endpoint: Endpoint, isCutOff: () => boolean): Endpoint => {
  const unlessCutOff = <A, E>(send: Effect.Effect<A, E>, otherwise: A) =>
    Effect.suspend(() => isCutOff() ? Effect.succeed(otherwise) : send)
  return {
    ...endpoint,
    // Datagrams are heard as they are taken: what came before the cut was heard, what waits at its end was not.
    receive: Effect.repeat(
      Effect.map(endpoint.receive, (all) => isCutOff() ? [] : all),
      { until: (all) => all.length > 0 }
    ),
    multicast: (payload) => unlessCutOff(endpoint.multicast(payload), undefined),
    unicast: (to, payload) => unlessCutOff(endpoint.unicast(to, payload), undefined),
    ask: (to, payload) => unlessCutOff(endpoint.ask(to, payload), "sent")
  }
}

/** The same `Datagrams`, as long as it is not cut off. */
export const layer = (isCutOff: () => boolean): Layer.Layer<Datagrams, never, Datagrams> =>
  Layer.effect(
    Datagrams,
    Effect.map(Datagrams, ({ open }) =>
      Datagrams.of({
        open: (options) => Effect.map(open(options), (endpoint) => through(endpoint, isCutOff))
      }))
  )
