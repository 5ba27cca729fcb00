/**
 * What stands in the configuration under the name of this program and is no setting: a slip of the pen, which must not pass
 * in silence, or what Kubernetes puts there for a Service of that name.
 *
 * @since 0.1.0
 */
import type * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Spelling from "./Spelling.ts"

/**
 * A name that is no setting, or one of nested data that holds a list or an object (`isText` is false). `meant` is the key of
 * the setting that was probably meant.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stray<out K extends string> {
  readonly name: string
  readonly isNested: boolean
  readonly isText: boolean
  readonly meant: K | undefined
}

const program = "BELLWETHER"
const nested = "bellwether"

// The bounds of a search through what others have put there: names of ours have few parts.
const depth = 8
const most = 64

/**
 * Whether Kubernetes (or Docker, by `--link`) has set this for a Service whose name is the beginning of it: its value is
 * the address of that Service, such as `tcp://10.0.0.1:16983`, and nobody typed it.
 *
 * @category guards
 * @since 0.1.0
 */
export const isServiceLink = (name: string, value: string): boolean =>
  name.endsWith("_PORT") && /^(tcp|udp|sctp):\/\/\S+$/i.test(value)

/** The others of its kind. */
const isOfService = (name: string): boolean =>
  /_SERVICE_(HOST|PORT)$|_SERVICE_PORT_[A-Z0-9_]+$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name)

/**
 * The strays among what a provider holds. `known` are the settings by their keys, with their names in an environment; in
 * nested data they stand below `bellwether` by their keys.
 *
 * @category constructors
 * @since 0.1.0
 */
export const find = Effect.fnUntraced(function*<K extends string>(
  provider: ConfigProvider.ConfigProvider,
  known: ReadonlyMap<K, string>
): Effect.fn.Return<ReadonlyArray<Stray<K>>> {
  const strays: Array<Stray<K>> = []
  const names = new Set(known.values())
  // What cannot be read is refused where the settings themselves are looked up.
  const load = (path: ReadonlyArray<string>) => Effect.orElseSucceed(provider.load(path), () => undefined)
  const root = yield* load([])
  const paths = root?._tag === "Record" ? [...root.keys].filter(isNearProgram).map((first) => [first]) : []
  for (let at = 0; at < paths.length && strays.length < most; at++) {
    const path = paths[at]!
    const node = yield* load(path)
    const isNested = path[0] === nested && path.length > 1
    if (isNested && known.has(path[1] as K)) {
      const [, meant] = path as [string, K]
      if (node?.value === undefined) strays.push({ name: path.join("."), isNested, isText: false, meant })
      continue
    }
    // Numbers below a name are those of ports.
    if (node?._tag === "Record" && path.length < depth) { for (const key of node.keys) paths.push([...path, key]) }
    if (node?.value === undefined) continue
    const name = path.join(isNested ? "." : "_")
    if (names.has(name) || isServiceLink(name, node.value) || isOfService(name)) continue
    const meant = Spelling.nearest(isNested ? path[1]! : withoutProgram(name), [...known.keys()])
    // What begins nearly like ours may be another program's.
    if (meant !== undefined || isNested || name.startsWith(`${program}_`)) {
      strays.push({ name, isNested, isText: true, meant })
    }
  }
  return strays
})

// internal

/** The program's name at the beginning of another, with what stands between them: nothing too, and more than `_`. */
const glued = new RegExp(`^[^\\p{L}\\p{N}]*${program}`, "iu")
const separator = /[^\p{L}\p{N}]+/u

/** Of an environment it is the part before the first `_`, in a directory of files the whole name. */
const isNearProgram = (first: string): boolean =>
  glued.test(first) || Spelling.nearest(first.split(separator)[0]!, [program]) !== undefined

const withoutProgram = (name: string): string =>
  glued.test(name) ? name.replace(glued, "") : name.split(separator).slice(1).join("_")
