/** The rules of a cluster's locks, machine ids and runners broken on purpose; see `TextMutants`. */
import type { TextMutant } from "../mutants/TextMutants.ts"

export const mutants: ReadonlyArray<TextMutant> = [
  {
    name: "an answer to a refresh leaves out what is lost",
    file: "cluster/Locks.ts",
    was: "if (lasts <= stopTimeout) lost.push(ShardId.toString(shard))",
    is: "if (lasts <= stopTimeout) continue",
    seenBy: {
      file: "cluster/Storage.test.ts",
      test: "dies at once when it is asked to refresh what is over by the clock"
    }
  },
  {
    name: "a lock is lost when it is over, not in time before",
    file: "cluster/Locks.ts",
    was: "if (lasts <= stopTimeout)",
    is: "if (lasts <= 0)",
    seenBy: {
      file: "cluster/Locks.test.ts",
      test: "is lost so long before its end that what is done can end, also where nobody has been told to end it"
    }
  },
  {
    name: "all that is asked for counts as acquired",
    file: "cluster/Locks.ts",
    was: "tokens.has(resource) ? [shard] : []",
    is: "[shard]",
    seenBy: { file: "cluster/Storage.test.ts", test: "locks a shard for one runner at a time" }
  },
  {
    name: "a refresh is well though no leader answers",
    file: "cluster/Locks.ts",
    was: "isConfirmed || lasts ?",
    is: "true ?",
    seenBy: {
      file: "cluster/Storage.test.ts",
      test: "locks nothing, and does not fail, where nobody leads or a leader is new; refreshes fail where none answers"
    }
  },
  {
    name: "a refresh fails whenever no leader answers",
    file: "cluster/Locks.ts",
    was: "isConfirmed || lasts ?",
    is: "isConfirmed ?",
    seenBy: {
      file: "cluster/Locks.test.ts",
      test: "are refreshed while they last beyond the next refresh, and in time for that"
    }
  },
  {
    name: "a refresh is well where the lock does not last until the next one",
    file: "cluster/Locks.ts",
    was: "after.left > Duration.toMillis(interval) + stopTimeout",
    is: "after.left > stopTimeout",
    seenBy: {
      file: "cluster/Locks.test.ts",
      test: "are refreshed while they last beyond the next refresh, and in time for that"
    }
  },
  {
    name: "it is not looked again when the leader has answered",
    file: "cluster/Locks.ts",
    was: "const after = yield* check(all, stopTimeout)",
    is: "const after = { held: [...shards], left }",
    seenBy: {
      file: "cluster/Locks.test.ts",
      test: "are lost, for the one that waits, while there is time to end what is done"
    }
  },
  {
    name: "the leader is waited for until a lock is over",
    file: "cluster/Locks.ts",
    was: "Duration.min(within, Duration.millis(left - stopTimeout))",
    is: "within",
    seenBy: {
      file: "cluster/Locks.test.ts",
      test: "are lost, for the one that waits, while there is time to end what is done"
    }
  },
  {
    name: "the leader is waited for as long as `Sharding` waits",
    file: "cluster/Locks.ts",
    was: "Duration.subtract(interval, Duration.min(Duration.millis(50), Duration.times(interval, 0.1)))",
    is: "interval",
    seenBy: {
      file: "cluster/Locks.test.ts",
      test: "are refreshed while they last beyond the next refresh, and in time for that"
    }
  },
  {
    name: "the leader is not asked where no lock is held",
    file: "cluster/Locks.ts",
    was: "? probe(within)",
    is: "? Effect.succeed(true)",
    seenBy: {
      file: "cluster/Storage.test.ts",
      test: "locks nothing, and does not fail, where nobody leads or a leader is new; refreshes fail where none answers"
    }
  },
  {
    name: "a token is given of what nobody was told of",
    file: "cluster/Claims.ts",
    was: "token !== null && acquired.get(resource) === token ? token : null",
    is: "token",
    seenBy: { file: "cluster/Claims.test.ts", test: "keep nothing that nobody was told of, and give no token of it" }
  },
  {
    name: "what nobody was told of is kept",
    file: "cluster/Claims.ts",
    was: "acquired.get(resource) !== token)",
    is: "acquired.get(resource) !== token && resource < 0)",
    seenBy: { file: "cluster/Claims.test.ts", test: "keep nothing that nobody was told of, and give no token of it" }
  },
  {
    name: "what was acquired is told of though it is lost",
    file: "cluster/Claims.ts",
    was: "token !== undefined && current.get(resource)?.token === token ?",
    is: "token !== undefined ?",
    seenBy: { file: "cluster/Claims.test.ts", test: "are told without what is lost while one waits for more" }
  },
  {
    name: "what is lost is never taken anew",
    file: "cluster/Claims.ts",
    was: "yield* release(resource)\n    }",
    is: "continue\n    }",
    seenBy: { file: "cluster/Storage.test.ts", test: "takes a lock anew that was lost before anybody was told of it" }
  },
  {
    name: "a refusal counts as an answer",
    file: "cluster/Claims.ts",
    was: "isAnswered: Option.isSome(answer) && answer.value !== null",
    is: "isAnswered: Option.isSome(answer)",
    seenBy: {
      file: "cluster/Claims.test.ts",
      test: "are not answered where the leader refuses, or says nothing in time"
    }
  },
  {
    name: "what is let go counts as lost",
    file: "cluster/Claims.ts",
    was: "      acquired.delete(resource)\n",
    is: "",
    seenBy: { file: "cluster/Storage.test.ts", test: "refreshes nothing that was let go" }
  },
  {
    name: "the leader is not told of what is let go",
    file: "cluster/Claims.ts",
    was: "tokens.size === 0 ? Effect.void : hold.release(tokens)",
    is: "Effect.void",
    seenBy: { file: "cluster/Claims.test.ts", test: "are what was granted, until it is let go" }
  },
  {
    name: "locks of a runner that stops last until their end",
    file: "cluster/Claims.ts",
    was: "end(true)",
    is: "end(false)",
    seenBy: {
      file: "cluster/Claims.test.ts",
      test: "end with their scope, when nothing is done any more with what they hold"
    }
  },
  {
    name: "a shard is counted from 0",
    file: "cluster/Places.ts",
    was: "id < 1 ||",
    is: "id < 0 ||",
    seenBy: { file: "cluster/Places.test.ts", test: "are none of a shard that the group does not have" }
  },
  {
    name: "a shard is the resource of its number",
    file: "cluster/Places.ts",
    was: "resource: (id - 1) % Resources.maxCount",
    is: "resource: id % Resources.maxCount",
    seenBy: { file: "cluster/Places.test.ts", test: "are one for each, within what the leader knows of its space" }
  },
  {
    name: "the last space of a group is a full one",
    file: "cluster/Places.ts",
    was: "Math.min(Resources.maxCount, shardsPerGroup - part * Resources.maxCount)",
    is: "Resources.maxCount",
    seenBy: { file: "cluster/Places.test.ts", test: "are one for each, within what the leader knows of its space" }
  },
  {
    name: "all shard groups are one",
    file: "cluster/Places.ts",
    was: "`shards ${part} ${group}`",
    is: "`shards ${part}`",
    seenBy: { file: "cluster/Places.test.ts", test: "are one for each, within what the leader knows of its space" }
  },
  {
    name: "a machine id is what is free, whether or not it was granted",
    file: "cluster/MachineIds.ts",
    was: "if (tokens.has(id)) return held = id",
    is: "if (isAnswered) return held = id",
    seenBy: { file: "cluster/MachineIds.test.ts", test: "is another one where the first that is tried is taken" }
  },
  {
    name: "a new leader is asked for each machine id",
    file: "cluster/MachineIds.ts",
    was: "if (again > 0) return",
    is: "if (again > 3_600_000) return",
    seenBy: {
      file: "cluster/MachineIds.test.ts",
      test: "is not granted while nobody leads, nor by a new leader, and it is said which of the two"
    }
  },
  {
    name: "a machine id is held for good",
    file: "cluster/MachineIds.ts",
    was: "(leftOf(held!) ?? 0) > 0",
    is: "true",
    seenBy: { file: "cluster/Storage.test.ts", test: "registers a runner anew, whose machine id was lost" }
  },
  {
    name: "a runner sees itself though its machine id is lost",
    file: "cluster/Storage.ts",
    was: "own !== null && (yield* machine.isHeld) ? [own] : []",
    is: "own !== null ? [own] : []",
    seenBy: { file: "cluster/Storage.test.ts", test: "registers a runner anew, whose machine id was lost" }
  },
  {
    name: "the leader is waited for as long as it is usual to refresh, however short locks last",
    file: "cluster/Storage.ts",
    was: "Duration.min(refresh, Duration.divideUnsafe(expiration, 3))",
    is: "refresh",
    seenBy: {
      file: "cluster/Locks.test.ts",
      test: "are refreshed while they last beyond the next refresh, and in time for that"
    }
  },
  {
    name: "a lock may be shorter than the time to end",
    file: "cluster/Storage.ts",
    was: "4 * Duration.toMillis(stopTimeout)",
    is: "Duration.toMillis(stopTimeout)",
    seenBy: { file: "cluster/Storage.test.ts", test: "with locks that last too short or too long" }
  },
  {
    name: "one that is no runner any more is one until it is silent",
    file: "cluster/Registrations.ts",
    was: "if (runner === null) entries.delete(id)",
    is: "if (runner === null) return",
    seenBy: {
      file: "cluster/Registrations.test.ts",
      test: "is seen as long as it says so, and no more as soon as it says that it is none"
    }
  },
  {
    name: "a new start of a server is the runner that the earlier was",
    file: "cluster/Registrations.ts",
    was: "member.id === id && member.incarnation === incarnation",
    is: "member.id === id",
    seenBy: {
      file: "cluster/Registrations.test.ts",
      test: "is none any more once its server has started anew, until it says so"
    }
  },
  {
    name: "a runner is one for good",
    file: "cluster/Registrations.ts",
    was: "now() - heardAt < silences * Duration.toMillis(interval)\n    &&",
    is: "",
    seenBy: {
      file: "cluster/Registrations.test.ts",
      test: "is none any more when it has not said so for five times, though its server is there"
    }
  },
  {
    name: "a runner outlives its server",
    file: "cluster/Registrations.ts",
    was: "\n    && present.some((member) => member.id === id && member.incarnation === incarnation)",
    is: "",
    seenBy: { file: "cluster/Registrations.test.ts", test: "is none any more once its server is removed" }
  },
  {
    name: "a runner says once that it is one",
    file: "cluster/Registrations.ts",
    was: "Effect.repeat(say, Schedule.spaced(interval))",
    is: "say",
    seenBy: {
      file: "cluster/Registrations.test.ts",
      test: "is seen as long as it says so, and no more as soon as it says that it is none"
    }
  },
  {
    name: "who registers does not ask who else has",
    file: "cluster/Registrations.ts",
    was: "runner === null ? Effect.void : ask",
    is: "Effect.void",
    seenBy: {
      file: "cluster/Registrations.test.ts",
      test: "is seen at once by one that registers later, and did not hear it before"
    }
  },
  {
    name: "what an entity does is not guarded",
    file: "cluster/ShardLocks.ts",
    was: "Effect.andThen(ShardLocks.token, effect)",
    is: "effect",
    seenBy: { file: "cluster/Locks.test.ts", test: "runs nothing for an entity whose shard is another's" }
  },
  {
    name: "all is let go of one space of shards",
    file: "cluster/Locks.ts",
    was: "Effect.forEach([...spaces.values()], (claims) => claims.releaseAll",
    is: "Effect.forEach([...spaces.values()].slice(0, 1), (claims) => claims.releaseAll",
    seenBy: { file: "cluster/Locks.test.ts", test: "is that of its group: all of a runner are let go, and no others" }
  },
  {
    name: "who asks goes on within the step that answers",
    file: "server/Holds.ts",
    was: "afterwards(() => answer(session, output))",
    is: "answer(session, output)",
    seenBy: { file: "cluster/MachineIds.test.ts", test: "is another one where the first that is tried is taken" }
  }
]
