/**
 * What a leader knows of one space, as a list of sessions in the order in which they came, each with what it holds: slow, and all
 * else is found out by looking through them.
 */
import * as GrantTable from "../../../src/protocol/grants/GrantTable.ts"
import * as Rendezvous from "../../../src/protocol/membership/Rendezvous.ts"

interface Known extends GrantTable.Ask {
  readonly until: number
}

type Resources = ReadonlyArray<number>

export class GrantModel {
  sessions: ReadonlyArray<Known> = []
  #ended: ReadonlyArray<string> = []
  #shares = ""
  #grants = 0
  readonly #count: number
  readonly #expiry: number
  readonly #isShared: boolean
  readonly #isThere: (id: string) => boolean

  constructor({ count, expiry, isShared, isThere }: {
    readonly count: number
    readonly expiry: number
    readonly isShared: boolean
    readonly isThere: (id: string) => boolean
  }) {
    this.#count = count
    this.#expiry = expiry
    this.#isShared = isShared
    this.#isThere = isThere
  }

  heldBy(session: string): Resources {
    return this.sessions.find((one) => one.session === session)?.held ?? []
  }

  /** The newest ask of a session; of one that is not there the first. */
  seqOf(session: string): number {
    return this.sessions.find((one) => one.session === session)?.seq ?? 1
  }

  #all(where: (resource: number) => boolean): Resources {
    return Array.from({ length: this.#count }, (_, resource) => resource).filter(where)
  }

  #holder(resource: number): string | null {
    return this.sessions.find(({ held }) => held.includes(resource))?.session ?? null
  }

  /** Those that share: of a server the newest. */
  #sharing(): ReadonlyArray<Known> {
    const there = this.sessions.filter(({ id }) => this.#isThere(id))
    return there.filter(({ id }, at) => !there.slice(at + 1).some((later) => later.id === id))
  }

  /** Who should hold a resource. */
  #first(resource: number): string | null {
    if (!this.#isShared) {
      const waits = this.sessions.find(({ id, wanted }) => this.#isThere(id) && wanted!.includes(resource))
      return waits?.session ?? null
    }
    const [owner] = Rendezvous.owners(`jobs ${resource}`, this.#sharing(), { weight: ({ weight }) => weight })
    return owner?.session ?? null
  }

  /** Whether others share it now, or by other weights. */
  #hasMoved(): boolean {
    const before = this.#shares
    this.#shares = this.#sharing().map(({ session, weight }) => `${session} ${weight}`).join()
    return this.#isShared && before !== this.#shares
  }

  #told(all: ReadonlyArray<string | null>, asker: string | null): ReadonlyArray<string> {
    return [...new Set(all)].filter((one) => one !== null && one !== asker).map(String).sort()
  }

  expire(now: number): ReadonlyArray<string> {
    const over = this.sessions.filter(({ until }) => until <= now)
    if (over.length === 0) return []
    this.sessions = this.sessions.filter(({ until }) => until > now)
    this.#hasMoved()
    return this.#told(over.flatMap(({ held }) => held.map((resource) => this.#first(resource))), null)
  }

  ask(asked: GrantTable.Ask, now: number): {
    readonly answer: GrantTable.Answer | null
    readonly news: ReadonlyArray<string>
    readonly conflict: boolean
  } {
    const known = this.sessions.find(({ session }) => session === asked.session)
    const isLate = known === undefined
      ? !asked.isOver && this.#ended.includes(asked.session)
      : asked.seq <= known.seq
    if (isLate) return { answer: null, news: [], conflict: false }
    return asked.isOver ? this.#over(asked) : this.#goesOn(asked, now)
  }

  #over({ session }: GrantTable.Ask): ReturnType<GrantModel["ask"]> {
    const freed = this.heldBy(session)
    this.sessions = this.sessions.filter((one) => one.session !== session)
    this.#ended = [session, ...this.#ended]
    this.#hasMoved()
    const news = this.#told(freed.map((resource) => this.#first(resource)), session)
    return { answer: { ...nothing, again: 0 }, news, conflict: false }
  }

  #goesOn(asked: GrantTable.Ask, now: number): ReturnType<GrantModel["ask"]> {
    const { session } = asked
    const recovers = now < this.#expiry
    const before = this.heldBy(session)
    const isOwn = (resource: number) => before.includes(resource) || (recovers && this.#holder(resource) === null)
    const lost = asked.held.filter((resource) => !isOwn(resource))
    const own = asked.held.filter(isOwn)
    const held = [...own, ...asked.ending.filter((resource) => before.includes(resource) && !own.includes(resource))]
    const conflict = recovers && lost.length > 0
    this.#put({ ...asked, held, until: now + this.#expiry })
    const hasMoved = this.#hasMoved()
    const granted = this.#all((one) => !recovers && this.#holder(one) === null && this.#first(one) === session)
    this.#put({ ...asked, held: [...held, ...granted], until: now + this.#expiry })
    const freed = before.filter((resource) => this.#holder(resource) === null)
    const misplaced = this.#all((one) => hasMoved && this.#holder(one) !== this.#first(one))
    const moving = own.filter((one) => this.#isShared && !recovers && this.#first(one) !== session)
    const news = [
      ...freed.map((resource) => this.#first(resource)),
      ...misplaced.map((resource) => this.#holder(resource))
    ]
    const answer = {
      ...nothing,
      granted,
      grant: granted.length === 0 ? 0 : ++this.#grants,
      lost,
      moving: moving.slice(0, GrantTable.movesAtOnce),
      again: Math.max(0, this.#expiry - now)
    }
    return { answer, news: recovers ? [] : this.#told(news, session), conflict }
  }

  #put(known: Known): void {
    const isNew = !this.sessions.some(({ session }) => session === known.session)
    this.sessions = isNew
      ? [...this.sessions, known]
      : this.sessions.map((one) => one.session === known.session ? known : one)
  }
}

const nothing = { granted: [], grant: 0, lost: [], moving: [], again: 0, refused: null }
