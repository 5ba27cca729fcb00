/**
 * The others, as one server hears them: servers that have one letter for a name and rank in the order of the alphabet,
 * `a` the lowest, and what they say.
 */
import * as Client from "../../../src/protocol/model/Client.ts"
import * as Member from "../../../src/protocol/model/Member.ts"
import type * as Message from "../../../src/protocol/model/Message.ts"
import type { Body } from "../../../src/protocol/model/Output.ts"
import * as Reign from "../../../src/protocol/model/Reign.ts"

const number = (name: string): number => name.charCodeAt(0) - 96

/** `a` is `000000000000000a`-like: the letter's place in the alphabet, so that ids rank as names do. */
export const id = (name: string): Member.NodeId => Member.NodeId.make(number(name).toString(16).padStart(16, "0"))

export const nameOfId = (id: string): string => String.fromCharCode(96 + Number.parseInt(id, 16))

/** All live at one place in the network of their own: `a` at 192.0.2.1:4001. */
export const nameOf = (address: Member.Address | { readonly id: string }): string =>
  "id" in address
    ? nameOfId(address.id)
    : address.ip === client.ip
    ? "client"
    : String.fromCharCode(96 + Number(address.ip.split(".")[3]))

export const client: Member.Address = { ip: "192.0.2.200", port: 5000 }

/** Where nobody lives. */
export const elsewhere: Member.Address = { ip: "192.0.2.199", port: 4999 }

export const member = (name: string, change: Partial<Member.Member> = {}): Member.Member => ({
  id: id(name),
  ip: `192.0.2.${number(name)}`,
  port: 4000 + number(name),
  hostname: `host-${name}`,
  name,
  priority: 0,
  incarnation: 1_000,
  tags: {},
  ...change
})

/** The reign of a server in a term. */
export const reign = (term: number, leader: string | Member.Member): Reign.Reign =>
  Reign.make(term, typeof leader === "string" ? member(leader) : leader)

/** What a server's header says besides who it is: whom it follows, or in what term nobody leads. */
export interface Follows {
  readonly follows?: Reign.Reign | undefined
  readonly term?: number | undefined
  readonly heard?: number | undefined
  readonly delivered?: number | undefined
}

/** What a server says. */
export const says = (sender: string | Member.Member, body: Body, header: Follows = {}): Message.FromServer => ({
  ...body as Message.FromServer,
  ...(header.delivered === undefined ? {} : { delivered: header.delivered }),
  sender: typeof sender === "string" ? member(sender) : sender,
  term: header.follows?.term ?? header.term ?? 0,
  leader: header.follows?.leader ?? null,
  heard: header.heard ?? header.follows?.term ?? header.term ?? 0
})

/** A heartbeat. */
export const alive = (sender: string | Member.Member, follows?: Reign.Reign): Message.FromServer =>
  says(sender, { type: "SERVER_ALIVE", interval: 10_000 }, { follows })

export const probe = (sender: string | Member.Member, nonce = "1"): Message.FromServer =>
  says(sender, { type: "SERVER_PROBE", nonce })

/** A question by unicast, from a socket that closes soon: it names the port of the one that stays. */
export const asks = (sender: string | Member.Member, nonce = "1"): Message.FromServer => {
  const who = typeof sender === "string" ? member(sender) : sender
  return says(who, { type: "SERVER_PROBE", nonce, port: who.port })
}

export const response = (sender: string | Member.Member, nonce: string, follows?: Reign.Reign): Message.FromServer =>
  says(sender, { type: "SERVER_RESPONSE", nonce, interval: 10_000 }, { follows })

export const leaving = (sender: string | Member.Member, header?: Follows): Message.FromServer =>
  says(sender, { type: "SERVER_LEAVING" }, header)

export const stands = (sender: string | Member.Member, standing: number, header?: Follows): Message.FromServer =>
  says(sender, { type: "ELECTION", election: "", standing }, header)

export const objects = (sender: string | Member.Member, to: string, standing: number): Message.FromServer =>
  says(sender, { type: "OK", election: "", standing, to: id(to) })

/** The leader itself says what its reign is. */
export const coordinator = (leader: string, term: number): Message.FromServer =>
  says(leader, { type: "COORDINATOR", election: "" }, { follows: reign(term, leader) })

export const stepsDown = (
  leader: string | Member.Member,
  term: number,
  successor: string | null,
  cause?: string
): Message.FromServer =>
  says(leader, {
    type: "STEPPING_DOWN",
    election: "",
    successor: successor === null ? null : id(successor),
    ...(cause === undefined ? {} : { cause })
  }, { term })

// --- Clients ---

/** A client whose id is the first letter of its name, over and over. */
export const sender = (name: string): Client.Client => ({
  id: Client.ClientId.make((name.charCodeAt(0) % 16).toString(16).repeat(16)),
  name
})

export const joins = (name: string, { nonce = "1", seq = 0 } = {}): Message.Of<"CLIENT_JOIN"> => ({
  type: "CLIENT_JOIN",
  client: sender(name),
  nonce,
  interval: 10_000,
  seq
})

export const sends = (
  name: string,
  seq: number,
  { body = `${name} ${seq}`, oldest = 1 }: { readonly body?: Client.Body; readonly oldest?: number } = {}
): Message.Of<"CLIENT_MESSAGE"> => ({ type: "CLIENT_MESSAGE", client: sender(name), seq, oldest, body })

/** The leader of a term, or another, hands a message on. */
export const delivers = (
  leader: string,
  term: number,
  index: number,
  name: string,
  seq: number,
  from = leader
): Message.Of<"CLIENT_DELIVER"> => ({
  type: "CLIENT_DELIVER",
  from: { id: id(from), incarnation: 1_000 },
  term,
  leader: id(leader),
  index,
  client: sender(name),
  seq,
  body: `${name} ${seq}`
})

export const misses = (missed: Message.Missed, from: number, to = from): Message.Of<"CLIENT_REPAIR"> => ({
  type: "CLIENT_REPAIR",
  missed,
  from,
  to
})

/** What a message says, as a text. */
export const words = (body: Client.Body): string => typeof body === "string" ? body : JSON.stringify(body)

/** A list of members, as a page of an answer. */
export const members = (
  from: string,
  list: ReadonlyArray<Member.Member>,
  { nonce = "0", of = 1, page = 0 }: { readonly nonce?: string; readonly of?: number; readonly page?: number } = {}
): Message.Of<"MEMBERS"> => ({
  type: "MEMBERS",
  from: { id: id(from), incarnation: 1_000 },
  term: 0,
  leader: null,
  nonce,
  page,
  of,
  list: list.map(({ id, incarnation, ip, name, port, priority, revision }) => ({
    id,
    ip,
    port,
    name,
    priority,
    incarnation,
    ...(revision === undefined ? {} : { revision }),
    heard: 0
  }))
})
