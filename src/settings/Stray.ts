/**
 * Entries of the configuration under the name of this program that are no settings: a misspelt one must not pass in
 * silence; others Kubernetes puts there for a Service of that name.
 */
import * as Config from "effect/Config"
import * as Schema from "effect/Schema"
import * as Elsewhere from "./Elsewhere.ts"
import * as Spelling from "./Spelling.ts"

/**
 * A name that is no setting, or one of nested data that holds a list or an object (`isText` is false). `meant` is the key of
 * the setting that was probably meant.
 */
export interface Stray<out K extends string> {
  readonly name: string
  readonly isNested: boolean
  readonly isText: boolean
  readonly meant: K | undefined
  /** The name of a setting of another backend that was probably meant instead. */
  readonly elsewhere: string | undefined
}

const program = "BELLWETHER"
const nested = "bellwether"

// The bounds of a search through what others have put there: names of ours have few parts.
const depth = 8
const most = 64

/**
 * Whether Kubernetes (or Docker, by `--link`) has set this for a Service whose name is the beginning of it: its value is
 * the address of that Service, such as `tcp://10.0.0.1:16983`, and nobody typed it.
 */
export const isServiceLink = (name: string, value: string): boolean =>
  name.endsWith("_PORT") && /^(tcp|udp|sctp):\/\/\S+$/i.test(value)

/** The others of its kind. */
const isOfService = (name: string): boolean =>
  /_SERVICE_(HOST|PORT)$|_SERVICE_PORT_[A-Z0-9_]+$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name)

/**
 * The strays among the entries at this place of the configuration. `known` are the settings by their keys, with their names
 * in an environment; in nested data they stand below `bellwether` by their keys.
 */
export const find = <K extends string>(known: ReadonlyMap<K, string>): Config.Config<ReadonlyArray<Stray<K>>> => {
  const names = new Set(known.values())
  const look = (
    [path, ...others]: ReadonlyArray<Path>,
    strays: ReadonlyArray<Stray<K>>
  ): Config.Config<ReadonlyArray<Stray<K>>> =>
    path === undefined || strays.length >= most
      ? Config.succeed(strays)
      : Config.flatMap(node(path), ({ keys, text }) => {
        const found = strayAt(known, names, path, text)
        const isSetting = path[0] === nested && known.has(path[1] as K)
        const below = isSetting || path.length >= depth ? [] : keys.map((key) => [...path, key])
        return look([...others, ...below], found === undefined ? strays : [...strays, found])
      })
  return Config.flatMap(beginnings, (keys) => look(keys.map((first) => [first]), []))
}

// internal

type Path = ReadonlyArray<string>

const text = Schema.UndefinedOr(Schema.String)

const keysAt = (path: Path, name: Schema.String): Config.Config<Path> =>
  Config.schema(Schema.Record(name, text), path).pipe(Config.map(Object.keys), Config.orElse(() => Config.succeed([])))

/** The entry at a path. One that cannot be read is refused where the settings themselves are looked up. */
const node = (path: Path): Config.Config<{ readonly text: string | undefined; readonly keys: Path }> =>
  Config.all({
    text: Config.orElse(Config.schema(text, path), () => Config.succeed(undefined)),
    keys: keysAt(path, Schema.String)
  })

const strayAt = <K extends string>(
  known: ReadonlyMap<K, string>,
  names: ReadonlySet<string>,
  path: Path,
  text: string | undefined
): Stray<K> | undefined => {
  const isNested = path[0] === nested && path.length > 1
  if (isNested && known.has(path[1] as K)) {
    const name = path.join(".")
    return text === undefined
      ? { name, isNested, isText: false, meant: path[1] as K, elsewhere: undefined }
      : undefined
  }
  if (text === undefined) return undefined
  const name = path.join(isNested ? "." : "_")
  if (names.has(name) || Elsewhere.names.has(name) || isServiceLink(name, text) || isOfService(name)) return undefined
  const meant = Spelling.nearest(isNested ? path[1]! : withoutProgram(name), [...known.keys()])
  const elsewhere = meant === undefined && name.startsWith(`${program}_`)
    ? Spelling.nearest(name, [...Elsewhere.names])
    : undefined
  // A name that begins nearly like ours may be another program's.
  return meant !== undefined || elsewhere !== undefined || isNested || name.startsWith(`${program}_`)
    ? { name, isNested, isText: true, meant, elsewhere }
    : undefined
}

/**
 * The program's name at the beginning of another name, and the separator between them, which may be empty or longer than
 * `_`.
 */
const glued = new RegExp(`^[^\\p{L}\\p{N}]*${program}`, "iu")
const separator = /[^\p{L}\p{N}]+/u

/** Of an environment it is the part before the first `_`, in a directory of files the whole name. */
const isNearProgram = (first: string): boolean =>
  glued.test(first) || Spelling.nearest(first.split(separator)[0]!, [program]) !== undefined

const withoutProgram = (name: string): string =>
  glued.test(name) ? name.replace(glued, "") : name.split(separator).slice(1).join("_")

/** Places at which names begin that may be ours. The entries of others there are not read. */
const beginnings = keysAt([], Schema.String.check(Schema.makeFilter(isNearProgram)))
