/**
 * The settings of a group in etcd.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as OwnSettings from "../registry/OwnSettings.ts"
import * as Setting from "../settings/Setting.ts"
import { notShown, type SettingRefused, shown } from "../settings/SettingRefused.ts"

/**
 * Where etcd is, and how long a session in it lasts.
 *
 * @category models
 * @since 0.1.0
 */
export interface EtcdOptions {
  /**
   * The client URLs of etcd, such as `http://10.0.0.1:2379`: all nodes of one cluster, since a node that fails is left for the next
   * one. The first is asked, and the second tells of changes, until they fail: so begin with another one on each server where
   * there are many servers.
   */
  readonly endpoints: ReadonlyArray<string>
  /** The name of a user of etcd, where authentication is on. It needs the right to read and write all keys below the prefix. */
  readonly username?: string | undefined
  readonly password?: Redacted.Redacted | undefined
  /**
   * For how long a server that is not heard of any more is taken to live, and to lead: whole seconds, 6 at least, which is more than
   * etcd needs to elect another leader of its own. The same on every server. A killed leader is replaced half a second after that.
   *
   * Default: 10 seconds.
   */
  readonly leaseDuration?: Duration.Input | undefined
  /**
   * What all keys begin with, from a slash to a slash.
   *
   * Default: /bellwether/.
   */
  readonly prefix?: string | undefined
}

/**
 * The settings by key.
 *
 * @internal
 */
export const settings = {
  endpoints: Setting.list(16, "of http://host:port or https://host:port with commas between them", "url,...", {
    is: Schema.String.check(Schema.makeFilter((url: string) => originOf(url) === url)),
    parse: (text: string) => Option.fromUndefinedOr(originOf(text)),
    format: (url: string) => url
  }, {
    summary: "client URLs of etcd",
    default: (): ReadonlyArray<string> => []
  }),
  username: Setting.text<undefined>(256, { summary: "user of etcd", default: () => undefined }),
  password: {
    ...Setting.form<Redacted.Redacted, never, undefined>("1 to 1024 bytes of text", "password", {
      is: Schema.declare((value): value is Redacted.Redacted =>
        Redacted.isRedacted(value) && isPassword(Redacted.value(value))
      ),
      parse: (text) => isPassword(text) ? Option.some(Redacted.make(text)) : Option.none(),
      format: () => ""
    }, { summary: "the user's password; no flag", default: () => undefined }),
    isSecret: true
  },
  leaseDuration: wholeSeconds(Setting.duration([Duration.seconds(6), Duration.hours(1)], {
    summary: "time for which a server is taken to live, and to lead",
    default: () => Duration.seconds(10)
  })),
  prefix: Setting.form<string>("a text from a slash to a slash, at most 256 bytes, such as /bellwether/", "text", {
    is: Schema.String.check(Schema.isPattern(/^\/([!-~]{0,254}\/)?$/)),
    parse: Option.some,
    format: (text) => text
  }, { summary: "what all keys begin with", default: () => "/bellwether/" })
} as const

/** The part of a URL that says where a server is; undefined where there is more, or something else. */
function originOf(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== "/" || /[?#@]/.test(text)
    ? undefined
    : url.origin
}

function isPassword(text: unknown): boolean {
  return typeof text === "string" && text !== "" && text.length <= 1_024
}

/** Time to live is counted in seconds there. */
function wholeSeconds(
  setting: Setting.Setting<Duration.Duration, Duration.Input>
): Setting.Setting<Duration.Duration, Duration.Input> {
  const isWhole = Schema.makeFilter((duration: Duration.Duration) => Duration.toMillis(duration) % 1_000 === 0)
  return {
    ...setting,
    allowed: "a duration of whole seconds from 6s to 1h",
    code: setting.code.check(isWhole),
    text: setting.text.check(isWhole)
  }
}

/**
 * A key of the settings.
 *
 * @internal
 */
export type Key = keyof typeof settings

/**
 * The keys of the settings.
 *
 * @internal
 */
export const keys = Object.keys(settings) as ReadonlyArray<Key>

/**
 * The settings, read and checked.
 *
 * @internal
 */
export interface Read {
  readonly endpoints: readonly [string, ...ReadonlyArray<string>]
  readonly credentials: { readonly username: string; readonly password: Redacted.Redacted } | null
  readonly leaseDuration: Duration.Duration
  readonly prefix: string
}

const { one } = OwnSettings

const refused = (setting: Key, was: string, allowed?: string) => OwnSettings.refuse(settings, setting, was, allowed)

/**
 * Reads and checks them.
 *
 * @internal
 */
export const read = Effect.fnUntraced(function*(options: EtcdOptions): Effect.fn.Return<Read, SettingRefused> {
  const [first, ...others] = yield* one("endpoints", settings.endpoints, options.endpoints)
  if (first === undefined) {
    return yield* refused("endpoints", "empty", settings.endpoints.allowed.replace("at most", "1 to"))
  }
  const username = yield* one("username", settings.username, options.username)
  const password = yield* one("password", settings.password, options.password)
  if (username === undefined && password !== undefined) {
    return yield* refused("password", notShown, "none without username")
  }
  if (username !== undefined && password === undefined) {
    return yield* refused("username", shown(username), "none without password")
  }
  return {
    endpoints: [first, ...others],
    credentials: username === undefined || password === undefined ? null : { username, password },
    leaseDuration: yield* one("leaseDuration", settings.leaseDuration, options.leaseDuration),
    prefix: yield* one("prefix", settings.prefix, options.prefix)
  }
})
