/**
 * The situations that tests of the Bully election begin with, at the server `m`.
 */
import { assert } from "@effect/vitest"
import { alive, reign } from "./Peer.ts"
import { type Options, Server } from "./Server.ts"

/** `m` has been live for a while and follows the leader of that reign; the others are members too. */
export const following = (term: number, leader: string, others: ReadonlyArray<string> = [], options: Options = {}) => {
  const server = Server.live(options, [...others.map((name) => alive(name)), alive(leader, reign(term, leader))])
  assert.strictEqual(server.follows, leader)
  return server
}

/** `m` leads; the others, all below it, are members. */
export const leading = (others: ReadonlyArray<string> = [], options: Options = {}) => {
  const server = Server.live(options, others.map((name) => alive(name)))
  server.advance(5)
  assert.isTrue(server.leads)
  return server.advance(300).forget()
}

/** `m` is live in a group of others where nobody has ever led; it has not yet stood. */
export const vacant = (others: ReadonlyArray<string>, options: Options = {}) =>
  Server.live(options, others.map((name) => alive(name)))
