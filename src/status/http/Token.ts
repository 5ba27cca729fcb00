/** The token of a server, as it was set or as its file says. Needs nothing of HTTP, so it is read before anything is opened. */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { notShown, SettingRefused } from "../../settings/SettingRefused.ts"
import * as Settings from "../../settings/Settings.ts"
import { KeyFile } from "../../transport/KeyFile.ts"

const refused = (was: string, allowed: string) =>
  new SettingRefused({ setting: "httpTokenFile", as: "httpTokenFile", was, allowed })

type Named = Pick<Settings.Settings, "httpToken" | "httpTokenFile">

/**
 * The token of a server, or undefined where there is none, or nothing is served.
 *
 * @internal
 */
export const read = (
  settings: Named & Pick<Settings.Settings, "http">
): Effect.Effect<Redacted.Redacted | undefined, SettingRefused> =>
  settings.http === undefined ? Effect.succeed(settings.httpToken) : named(settings)

/**
 * The token that settings name, or undefined where there is none.
 *
 * @internal
 */
export const named = Effect.fnUntraced(function*(
  { httpToken, httpTokenFile }: Named
): Effect.fn.Return<Redacted.Redacted | undefined, SettingRefused> {
  if (httpTokenFile === undefined) return httpToken
  const file = yield* KeyFile
  const { text } = yield* Effect.mapError(
    file.read(httpTokenFile),
    ({ why }) => refused(httpTokenFile, `a file that can be read: ${why}`)
  )
  const [first = ""] = text.split(/\r?\n/, 1)
  const { httpToken: found } = yield* Effect.mapError(
    Settings.make({ httpToken: first.trim() }),
    ({ allowed }) => refused(notShown, `a file whose first line is a token: ${allowed}`)
  )
  return found
})
