/** Where each shard is among the resources that the leader grants: shards of a group are in spaces of so many at most. */
import type * as ShardId from "effect/cluster/ShardId"
import * as Resources from "../protocol/model/Resources.ts"

/** The most bytes of the name of a shard group, and the most shards of one. */
export const limits = { groupBytes: 80, shardsPerGroup: 65_536 } as const

/** A space of shards. */
export interface Space {
  readonly name: string
  readonly count: number
}

/** A shard as a resource of a space. */
export interface Place {
  readonly space: Space
  readonly resource: number
}

/** The place of a shard; null of one that the group does not have. `Sharding` counts from 1. */
export const of = ({ group, id }: ShardId.ShardId, shardsPerGroup: number): Place | null => {
  if (!Number.isInteger(id) || id < 1 || id > shardsPerGroup) return null
  const part = Math.floor((id - 1) / Resources.maxCount)
  return { space: spaceOf(group, part, shardsPerGroup), resource: (id - 1) % Resources.maxCount }
}

const spaceOf = (group: string, part: number, shardsPerGroup: number): Space => ({
  name: `shards ${part} ${group}`,
  count: Math.min(Resources.maxCount, shardsPerGroup - part * Resources.maxCount)
})

const encoder = new TextEncoder()

/** Whether a group's name is short enough for a space's. */
export const isGroup = (group: string): boolean => encoder.encode(JSON.stringify(group)).length <= limits.groupBytes + 2

/** The spaces of these groups. */
export const spaces = (groups: ReadonlyArray<string>, shardsPerGroup: number): ReadonlyArray<Space> =>
  groups.flatMap((group) =>
    Array.from(
      { length: Math.ceil(shardsPerGroup / Resources.maxCount) },
      (_, part) => spaceOf(group, part, shardsPerGroup)
    )
  )

/** Shards of one space, by their resources. */
export interface InSpace extends Space {
  readonly shards: ReadonlyMap<number, ShardId.ShardId>
}

/** Shards by the space they are in, without those that are none. */
export const bySpace = (shards: Iterable<ShardId.ShardId>, shardsPerGroup: number): ReadonlyArray<InSpace> => {
  const all = new Map<string, Space & { readonly shards: Map<number, ShardId.ShardId> }>()
  for (const shard of shards) {
    const place = of(shard, shardsPerGroup)
    if (place === null) continue
    const known = all.get(place.space.name) ?? { ...place.space, shards: new Map() }
    all.set(place.space.name, known)
    known.shards.set(place.resource, shard)
  }
  return [...all.values()]
}
