/** Tasks that wait to run: the lowest priority first, and of one priority the first that came. */

export interface Tasks {
  readonly add: (task: () => void, priority: number) => void
  /** Until none is left, those that are added meanwhile too. A task may itself call this: none is passed over. */
  readonly runAll: () => void
}

interface Bucket {
  readonly priority: number
  readonly queue: Array<() => void>
  /** Those before have run. */
  next: number
}

export const make = (): Tasks => {
  const buckets: Array<Bucket> = []

  const take = (): (() => void) | undefined => {
    for (const bucket of buckets) {
      const task = bucket.queue[bucket.next]
      if (task === undefined) continue
      bucket.next++
      if (bucket.next === bucket.queue.length) {
        bucket.queue.length = 0
        bucket.next = 0
      }
      return task
    }
    return undefined
  }

  return {
    add: (task, priority) => {
      let index = 0
      while (index < buckets.length && (buckets[index] as Bucket).priority < priority) index++
      if (buckets[index]?.priority !== priority) buckets.splice(index, 0, { priority, queue: [], next: 0 })
      buckets[index]?.queue.push(task)
    },
    runAll: () => {
      for (let task = take(); task !== undefined; task = take()) task()
    }
  }
}
