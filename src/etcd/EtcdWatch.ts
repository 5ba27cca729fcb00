/**
 * What etcd tells of changes, as a registry tells it: a picture at a revision, then all that came after that revision.
 *
 * etcd does not say why a key is gone. But where something was put at the same revision, it was a transaction; the end of a lease
 * puts nothing. So whoever removes keys puts one besides, which is told to nobody.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Registry from "../registry/Registry.ts"
import * as Answers from "./Answers.ts"
import type * as EtcdSession from "./EtcdSession.ts"
import { failedIn } from "./EtcdSession.ts"
import type * as Gateway from "./Gateway.ts"

export interface EtcdWatch {
  readonly changes: Stream.Stream<Registry.Change, Registry.RegistryFailed>
  /** Compares what a read saw with what each watch has told: one that is behind twice, with no word between, is dead. */
  readonly onSeen: (seen: EtcdSession.Seen) => void
}

/** More keys than this are no group's. */
export const mostKeys = 10_000

const failed = (kind: Registry.RegistryFailed["kind"], detail: string) =>
  new Registry.RegistryFailed({ during: "watch", kind, detail })

/** How far one watch has come. */
interface Progress {
  /** The session that each key is bound to, and of one that stays null. */
  readonly sessions: Map<string, string | null>
  revision: bigint
  /** Counts what was told. */
  told: number
  /** At how much told it was behind; null where it was not. */
  behindAt: number | null
  readonly hangUp: Deferred.Deferred<never, Registry.RegistryFailed>
}

export const make = (gateway: Gateway.Gateway, prefix: string, removals: string): EtcdWatch => {
  const all = keysBelow(prefix)
  const running = new Set<Progress>()
  const begin = Effect.gen(function*() {
    const { entries, revision } = yield* picture(gateway, prefix)
    const progress: Progress = {
      sessions: new Map(entries.map(({ key, session }) => [key, session])),
      revision,
      told: 0,
      behindAt: null,
      hangUp: yield* Deferred.make<never, Registry.RegistryFailed>()
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => running.add(progress)),
      () => Effect.sync(() => running.delete(progress))
    )
    const later = gateway.watch({ ...all, start_revision: String(revision + 1n) }).pipe(
      Stream.mapError(failedIn("watch")),
      Stream.mapEffect((watched) => told(progress, prefix, removals, watched)),
      Stream.concat(Stream.fail(failed("Unreachable", "the watch has ended"))),
      Stream.interruptWhen(Deferred.await(progress.hangUp))
    )
    const shown: Registry.Change = { _tag: "Picture", entries: entries.filter(({ key }) => key !== removals) }
    return Stream.concat(Stream.succeed([shown]), later)
  })
  return {
    changes: Stream.unwrap(begin).pipe(Stream.flattenIterable),
    onSeen: (seen) => {
      for (const progress of running) compare(progress, seen)
    }
  }
}

const keysBelow = (prefix: string) => ({
  key: Answers.encoded(prefix),
  range_end: Answers.encoded(Answers.endOf(prefix))
})

/** All that is below a prefix, at one revision, as a majority has it. */
export const picture = (
  gateway: Pick<Gateway.Gateway, "ask">,
  prefix: string
): Effect.Effect<
  { readonly entries: ReadonlyArray<Registry.Entry>; readonly revision: bigint },
  Registry.RegistryFailed
> =>
  gateway.ask("/v3/kv/range", { ...keysBelow(prefix), limit: String(mostKeys) }, Answers.Range).pipe(
    Effect.mapError(failedIn("watch")),
    Effect.flatMap(({ header, kvs = [], more }) =>
      more === true ? Effect.fail(failed("Refused", `more than ${mostKeys} keys below ${prefix}`)) : Effect.succeed({
        entries: kvs.map((kv) => entryOf(prefix, kv)),
        revision: BigInt(header.revision ?? "0")
      })
    )
  )

const entryOf = (
  prefix: string,
  { key, lease = "0", mod_revision = "0", value }: Answers.KeyValue
): Registry.Entry => ({
  key: Answers.decoded(key).slice(prefix.length),
  value: Answers.decoded(value),
  version: mod_revision,
  session: lease === "0" ? null : lease
})

/** The changes in one message, and how far the watch has come with them. */
const told = (
  progress: Progress,
  prefix: string,
  removals: string,
  { cancel_reason, canceled, compact_revision, events = [] }: Answers.Watched
): Effect.Effect<ReadonlyArray<Registry.Change>, Registry.RegistryFailed> =>
  Effect.suspend(() => {
    if (canceled === true) {
      const why = compact_revision === undefined ? cancel_reason ?? "canceled" : `compacted to ${compact_revision}`
      return Effect.fail(failed("Unreachable", `the watch is over: ${why}`))
    }
    const revisionOf = ({ kv }: Answers.Event) => kv.mod_revision ?? "0"
    const withPuts = new Set(events.filter(({ type }) => type !== "DELETE").map(revisionOf))
    const changes = events.map((event): Registry.Change => {
      const entry = entryOf(prefix, event.kv)
      const session = progress.sessions.get(entry.key) ?? null
      const revision = BigInt(revisionOf(event))
      if (revision > progress.revision) progress.revision = revision
      if (event.type !== "DELETE") {
        progress.sessions.set(entry.key, entry.session)
        return { _tag: "Put", entry }
      }
      progress.sessions.delete(entry.key)
      const isRemoved = session === null || withPuts.has(revisionOf(event))
      return { _tag: "Gone", key: entry.key, why: isRemoved ? "deleted" : "expired" }
    })
    progress.told += events.length
    return Effect.succeed(changes.filter((change) => keyOf(change) !== removals))
  })

const keyOf = (change: Registry.Change): string | null =>
  change._tag === "Put" ? change.entry.key : change._tag === "Gone" ? change.key : null

const compare = (progress: Progress, { count, revision }: EtcdSession.Seen): void => {
  const isBehind = BigInt(revision) > progress.revision || Number(count) !== progress.sessions.size
  if (isBehind && progress.behindAt === progress.told) {
    const dead = failed("Unreachable", "etcd has changes that this watch does not tell of")
    Deferred.doneUnsafe(progress.hangUp, Effect.fail(dead))
  }
  progress.behindAt = isBehind ? progress.told : null
}
