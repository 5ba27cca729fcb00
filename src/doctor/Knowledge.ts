/**
 * What an examination knows: a fold over evidence (`step`), and what it adds up to (`observations`). Pure. What no evidence
 * says stays unknown.
 */
import type * as Message from "../protocol/model/Message.ts"
import * as Zone from "../protocol/model/Zone.ts"
import type { Explained } from "../transport/interfaces/InterfaceChoice.ts"
import * as Kernel from "../transport/Kernel.ts"
import type { Evidence, Question } from "./Evidence.ts"
import * as KnownServers from "./KnownServers.ts"
import type { ForeignSender, Interface, Observations, Refusal, Seed, Server, Socket } from "./Observations.ts"
import * as Questions from "./Questions.ts"

/** What is known from the start, by the settings. */
export type Subject = Pick<
  Observations,
  | "at"
  | "group"
  | "tag"
  | "multicastAddress"
  | "port"
  | "ttl"
  | "multicast"
  | "unicastPort"
  | "heartbeatInterval"
  | "groupSize"
  | "exposedKeyFile"
>

/** One interface: whether its sockets opened, and what became of the probes that were multicast out of it. */
export interface Probes extends Pick<Interface, "refusal" | "sent" | "echoed" | "lastSent" | "lastEcho"> {
  /** Echoes of which only the session is known, not the question. */
  readonly sealedEchoes: number
}

/** All that is known. */
export interface Knowledge {
  readonly subject: Subject
  /** How often everybody was asked. */
  readonly rounds: number
  /** Null until the system has said what there is. */
  readonly interfaces: ReadonlyArray<Explained> | null
  /** Each interface that was ever chosen, by its address. */
  readonly probes: ReadonlyMap<string, Probes>
  readonly refusals: ReadonlyMap<string, Refusal>
  readonly servers: KnownServers.KnownServers
  readonly foreign: ReadonlyMap<string, ForeignSender>
  readonly seeds: ReadonlyMap<string, Seed>
  readonly questions: Questions.Questions
  readonly sockets: ReadonlyArray<Socket> | null
  readonly receiveBufferLimit: number | null
}

/** Tables are bounded: others decide how much comes. */
const most = { refusals: 64, foreign: 256 }

/** Nothing known yet. */
export const make = (subject: Subject): Knowledge => ({
  subject,
  rounds: 0,
  interfaces: null,
  probes: new Map(),
  refusals: new Map(),
  servers: new Map(),
  foreign: new Map(),
  seeds: new Map(),
  questions: Questions.none,
  sockets: null,
  receiveBufferLimit: null
})

/** What is known with one more piece of evidence. */
export const step = (self: Knowledge, evidence: Evidence, now: number): Knowledge => {
  switch (evidence._tag) {
    case "InterfacesScanned":
      return scanned(self, evidence.interfaces)
    case "Refused":
      return refused(self, evidence.refusal)
    case "SocketsOpened":
      return probed(self, evidence.address, () => ({ refusal: null }))
    case "SocketsRefused":
      return probed(self, evidence.address, () => ({ refusal: evidence.refusal }))
    case "RoundBegan":
      return began(self, now)
    case "Asked":
      return asked(self, evidence.question, evidence.nonces, now)
    case "SeedResolved":
      return seeded(self, evidence.seed, () => ({ addresses: evidence.addresses }))
    case "Heard":
      return heard(self, evidence, now)
    case "OwnHeard":
      // The same echo may arrive twice, and no more can come back than were sent.
      return probed(self, evidence.address, ({ sealedEchoes, sent }) => ({
        sealedEchoes: Math.min(sent, sealedEchoes + 1),
        lastEcho: now
      }))
    case "LinkTried":
      return { ...self, servers: KnownServers.linkTried(self.servers, evidence.id, evidence.outcome) }
    case "Dropped":
      return dropped(self, evidence, now)
    case "SystemReported":
      return { ...self, sockets: evidence.sockets, receiveBufferLimit: evidence.receiveBufferLimit }
  }
}

/** All that is known, as the report shows it and as findings are made of it. */
export const observations = (self: Knowledge, now: number): Observations => {
  const interfaces = self.interfaces ?? []
  // Servers announce their address without a zone.
  const own = new Set(interfaces.map(({ address }) => Zone.without(address)))
  const servers: Array<Server> = []
  for (const { address: _, last: __, ...server } of self.servers.values()) {
    servers.push({ ...server, local: own.has(server.ip) })
  }
  return {
    ...self.subject,
    lasted: now,
    seeds: [...self.seeds.values()],
    interfaces: interfaces.map((one) => observed(one, self.probes.get(one.address) ?? unprobed)),
    servers,
    foreign: [...self.foreign.values()],
    refusals: [...self.refusals.values()],
    questions: Questions.summary(self.questions),
    sockets: self.sockets,
    receiveBuffer: { wanted: Kernel.receiveBufferWanted, limit: self.receiveBufferLimit }
  }
}

// internal

const unprobed: Probes = { refusal: null, sent: 0, echoed: 0, sealedEchoes: 0, lastSent: null, lastEcho: null }

const observed = (
  { address, chosen, internal, name, primary, why }: Explained,
  { echoed, sealedEchoes, ...probes }: Probes
): Interface => ({ name, address, internal, chosen, primary, why, ...probes, echoed: Math.max(echoed, sealedEchoes) })

const scanned = (self: Knowledge, interfaces: ReadonlyArray<Explained>): Knowledge => {
  const added = interfaces.filter(({ address, chosen }) => chosen && !self.probes.has(address))
  const probes = added.length === 0
    ? self.probes
    : new Map([...self.probes, ...added.map(({ address }) => [address, unprobed] as const)])
  return { ...self, interfaces, probes, refusals: withoutScans(self.refusals) }
}

/** A scan that succeeds is the later word on those that were refused. */
const withoutScans = (refusals: Knowledge["refusals"]): Knowledge["refusals"] =>
  new Map([...refusals].filter(([, { during }]) => during !== "scan"))

const refused = (self: Knowledge, refusal: Refusal): Knowledge => {
  const { during, errno, kind, where } = refusal
  const key = `${during} ${where} ${errno ?? kind}`
  if (self.refusals.size >= most.refusals && !self.refusals.has(key)) return self
  return { ...self, refusals: new Map(self.refusals).set(key, refusal) }
}

const probed = (self: Knowledge, address: string, change: (before: Probes) => Partial<Probes>): Knowledge => {
  const before = self.probes.get(address)
  if (before === undefined) return self
  return { ...self, probes: new Map(self.probes).set(address, { ...before, ...change(before) }) }
}

const seeded = (self: Knowledge, seed: string, change: (before: Seed) => Partial<Seed>): Knowledge => {
  const before = self.seeds.get(seed) ?? { seed, addresses: [], asked: 0, answered: null }
  return { ...self, seeds: new Map(self.seeds).set(seed, { ...before, ...change(before) }) }
}

const began = (self: Knowledge, now: number): Knowledge => {
  const { heartbeatInterval, multicast } = self.subject
  return {
    ...self,
    rounds: self.rounds + 1,
    questions: { ...self.questions, asked: self.questions.asked + (multicast ? 1 : 0) },
    servers: KnownServers.pruned(self.servers, heartbeatInterval, now)
  }
}

const asked = (before: Knowledge, question: Question, nonces: ReadonlyArray<string>, now: number): Knowledge => {
  const self = { ...before, questions: Questions.ask(before.questions, question, nonces) }
  switch (question._tag) {
    case "Group":
      return probed(self, question.address, ({ sent }) => ({ sent: sent + nonces.length, lastSent: now }))
    case "Seed":
      return seeded(self, question.seed, ({ asked }) => ({ asked: asked + 1 }))
    case "Server":
      return { ...self, servers: KnownServers.asked(self.servers, question.id) }
  }
}

const heard = (
  self: Knowledge,
  { from, message, via }: Extract<Evidence, { _tag: "Heard" }>,
  now: number
): Knowledge => {
  if (message.type === "MEMBERS_ASK") return echoed(self, message.nonce, now)
  if (message.type === "MEMBERS") {
    const known = answered(self, message, now)
    if (known === undefined) return self
    const { heartbeatInterval } = self.subject
    return { ...known, servers: KnownServers.answered(self.servers, message, from, heartbeatInterval, now) }
  }
  return "sender" in message
    ? { ...self, servers: KnownServers.heard(self.servers, message, from, via, now) }
    : self
}

/** A question that this host multicast came back to it. */
const echoed = (self: Knowledge, nonce: string, now: number): Knowledge => {
  const question = self.questions.byNonce.get(nonce)?.question
  if (question?._tag !== "Group") return self
  const questions = Questions.echo(self.questions, nonce)
  const isFirst = questions !== self.questions
  return probed({ ...self, questions }, question.address, ({ echoed }) => ({
    echoed: isFirst ? echoed + 1 : echoed,
    lastEcho: now
  }))
}

/** The questions and seeds after an answer; undefined where nobody asked for it. */
const answered = (self: Knowledge, message: Message.Of<"MEMBERS">, now: number): Knowledge | undefined => {
  const question = self.questions.byNonce.get(message.nonce)?.question
  if (question === undefined) return undefined
  const questions = Questions.answer(self.questions, message, now)
  return question._tag === "Seed" && self.seeds.has(question.seed)
    ? seeded(self, question.seed, ({ answered }) => ({ answered: KnownServers.again(answered, now) }))
    : { ...self, questions }
}

// Reasons that concern what this host sends, and repetitions.
const notForeign: ReadonlySet<string> = new Set(["TooManyAnswers", "NotDirect", "SendFailed", "Own", "Repeated"])

const dropped = (
  self: Knowledge,
  { ip, reason, tag }: Extract<Evidence, { _tag: "Dropped" }>,
  now: number
): Knowledge => {
  if (notForeign.has(reason)) return self
  const key = `${ip} ${reason}`
  const before = self.foreign.get(key)
  if (before === undefined && self.foreign.size >= most.foreign) return self
  const datagrams = (before?.datagrams ?? 0) + 1
  return { ...self, foreign: new Map(self.foreign).set(key, { ip, reason, tag, datagrams, last: now }) }
}
