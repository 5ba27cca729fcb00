/**
 * The settings that a `ConfigProvider` gives: `BELLWETHER_PORT` of an environment, `bellwether.port` of nested data. With
 * `Config.nested` they stand below the app's name.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Reading from "./Reading.ts"
import { settings } from "./SettingList.ts"
import { environmentName, type Key, keys } from "./SettingName.ts"
import { SettingRefused, shown } from "./SettingRefused.ts"
import type { Settings } from "./SettingRules.ts"
import * as Stray from "./Stray.ts"

/**
 * The settings that are given, by key, and a line for people on each entry under our name that was passed over.
 *
 * @category models
 * @since 0.1.0
 */
export interface Configured {
  readonly given: ReadonlyMap<Key, Reading.Given>
  readonly passedOver: ReadonlyArray<string>
}

/** A refusal as a `Config` fails: with a `ConfigError`. */
class Refusal extends Config.ConfigError {
  readonly refused: SettingRefused
  constructor(refused: SettingRefused) {
    super(new Schema.SchemaError(new SchemaIssue.InvalidValue({ message: refused.message })))
    this.refused = refused
  }
  override get message() {
    return this.refused.message
  }
}

/**
 * The refusal of a setting that is behind an error, if there is one.
 *
 * @category errors
 * @since 0.1.0
 */
export const refusalIn = (error: Config.ConfigError): SettingRefused | Config.ConfigError =>
  error instanceof Refusal ? error.refused : error

/**
 * A refusal as a `Config` fails.
 *
 * @category errors
 * @since 0.1.0
 */
export const failed = (refused: SettingRefused): Effect.Effect<never, Config.ConfigError> =>
  Effect.fail(new Refusal(refused))

/** An entry that is in the way of our names: a schema that always fails says at which path it stood. */
const prefix: Config.Config<ReadonlyArray<string>> = Config.orElse(
  Config.schema(Schema.String.check(Schema.makeFilter(() => false)), []).pipe(
    Config.map((): ReadonlyArray<string> => [])
  ),
  ({ cause }) => Config.succeed("issue" in cause && cause.issue._tag === "Pointer" ? cause.issue.path.map(String) : [])
)

interface Place {
  readonly as: (below: ReadonlyArray<string>) => string
  readonly path: (key: Key) => ReadonlyArray<string>
}

type Places = readonly [environment: Place, nested: Place]

const places = (above: ReadonlyArray<string>): Places => [
  { as: (below) => [...above, ...below].join("_"), path: (key) => [environmentName(key)] },
  { as: (below) => [...above, ...below].join("."), path: (key) => ["bellwether", key] }
]

const optionalText = Schema.optional(Schema.String)

const textsAt = (names: ReadonlyArray<string>): Readonly<Record<string, typeof optionalText>> =>
  Object.fromEntries(names.map((name) => [name, optionalText]))

/** All of them in one reading, which is much faster than one by one. */
const anywhere = Schema.Struct({
  ...textsAt(keys.map(environmentName)),
  bellwether: Schema.optional(Schema.Struct(textsAt(keys)))
})

type Texts = Readonly<Record<string, string | undefined>>

const together = Config.map(Config.schema(anywhere, []), ({ bellwether = {}, ...environment }) =>
(
  key: Key,
  [first, second]: Places
): Found | undefined => {
  const name = environmentName(key)
  const text = (environment as Texts)[name]
  if (text !== undefined) return { as: first.as([name]), text }
  const other = (bellwether as Texts)[key]
  return other === undefined ? undefined : { as: second.as(second.path(key)), text: other }
})

/** A setting at the first of these places that has it. */
const lookUp = (key: Key, [place, ...others]: ReadonlyArray<Place>): Config.Config<Found | undefined> => {
  if (place === undefined) return Config.succeed(undefined)
  const as = place.as(place.path(key))
  return Config.schema(Schema.UndefinedOr(Schema.String), place.path(key)).pipe(
    Config.orElse((error) =>
      Config.mapEffect(Config.succeed(undefined), () => {
        const was = `not readable (${shown(error.cause.message)})`
        return failed(new SettingRefused({ setting: key, as, was, allowed: settings[key].allowed }))
      })
    ),
    Config.flatMap((text) => text === undefined ? lookUp(key, others) : Config.succeed({ as, text }))
  )
}

/** The given value of each setting. Read one by one if an unreadable one has to be named, or the source lists nothing. */
const foundAt = (places: Places): Config.Config<ReadonlyArray<readonly [Key, Found | undefined]>> =>
  Config.orElse(
    Config.map(together, (find) => keys.map((key) => [key, find(key, places)] as const)),
    () => Config.all(keys.map((key) => Config.map(lookUp(key, places), (found) => [key, found] as const)))
  )

interface Found {
  readonly as: string
  readonly text: string
}

// Where one of these is misspelt the server would speak and hear without protection.
const guarded: ReadonlySet<Key> = new Set(["key", "keyFile", "keyMode"])

/** The line about a stray, or the refusal if it must not pass. */
const judge = (
  { elsewhere, isNested, isText, meant, name }: Stray.Stray<Key>,
  [environment, nested]: Places
): string | SettingRefused => {
  const place = isNested ? nested : environment
  const as = place.as([name])
  const nearest = meant === undefined ? elsewhere && place.as([elsewhere]) : place.as(place.path(meant))
  if (meant !== undefined && !isText) {
    return new SettingRefused({ setting: meant, as, was: "no text", allowed: `a text: ${settings[meant].allowed}` })
  }
  if (meant !== undefined && guarded.has(meant)) {
    const allowed = `${nearest} is the nearest name, and without a key nothing would be sealed`
    return new SettingRefused({ setting: meant, as: shown(as), was: "no setting", allowed })
  }
  const hint = nearest === undefined ? "" : `; did you mean ${nearest}?`
  return `${shown(as)} is no setting and was passed over${hint}`
}

const aboutLink = ({ as, text }: Found): string =>
  `${as} is ${shown(text)}, which Kubernetes sets for a Service of that name, and was passed over: `
  + "enableServiceLinks: false in the pod keeps it away"

/**
 * The settings of the configuration. An entry that is no setting is passed over: a program that is rolled back must not end
 * for a setting that it does not have yet. So is an address that Kubernetes has put in the place of a port. An entry that
 * is probably a misspelt key is refused.
 *
 * @category configuration
 * @since 0.1.0
 */
export const configured: Config.Config<Configured> = Config.flatMap(prefix, (above) => {
  const all = places(above)
  return Config.all({
    found: foundAt(all),
    strays: Stray.find(new Map(keys.map((key) => [key, environmentName(key)])))
  }).pipe(Config.mapEffect(Effect.fnUntraced(function*({ found, strays }) {
    const given = new Map<Key, Found>()
    const passedOver: Array<string> = []
    for (const [key, one] of found) {
      if (one === undefined) continue
      if (Stray.isServiceLink(one.as, one.text)) passedOver.push(aboutLink(one))
      else given.set(key, one)
    }
    for (const stray of strays) {
      const judged = judge(stray, all)
      if (typeof judged !== "string") return yield* failed(judged)
      passedOver.push(judged)
    }
    return { given, passedOver }
  })))
})

/**
 * What a `Config` of ours gives by the current `ConfigProvider`: it fails with refusals alone.
 *
 * @internal
 */
export const refusing = <A>(config: Config.Config<A>): Effect.Effect<A, SettingRefused> =>
  Effect.catch(config, (error) => error instanceof Refusal ? Effect.fail(error.refused) : Effect.die(error))

/**
 * The same, of the current `ConfigProvider`.
 *
 * @category configuration
 * @since 0.1.0
 */
export const fromProvider: Effect.Effect<Configured, SettingRefused> = refusing(configured)

/**
 * The settings that the configuration gives, which is the environment unless the app says otherwise, with defaults for the
 * rest. Entries that were passed over are logged as warnings.
 *
 * @category configuration
 * @since 0.1.0
 */
export const config: Config.Config<Settings> = Config.mapEffect(configured, ({ given, passedOver }) =>
  Effect.andThen(
    Effect.forEach(passedOver, (line) => Effect.logWarning(line), { discard: true }),
    Effect.mapError(Effect.fromResult(Reading.read((key) => given.get(key))), (refused) => new Refusal(refused))
  ))
