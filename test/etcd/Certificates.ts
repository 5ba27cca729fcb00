/** A certificate authority of the test's own, made by openssl, and what it has signed. */
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { Agent, request } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const skip = spawnSync("openssl", ["version"]).status !== 0 && process.env["CI"] !== "true"

export interface Signed {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

const openssl = (directory: string, ...args: ReadonlyArray<string>) => {
  const { status, stderr } = spawnSync("openssl", args, { cwd: directory, encoding: "utf8" })
  if (status !== 0) throw new Error(stderr)
}

const signed = (directory: string, name: string): Signed => {
  const certFile = join(directory, `${name}.pem`)
  const keyFile = join(directory, `${name}.key`)
  return { certFile, keyFile, cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") }
}

/** A directory for them, as long as a scope lasts. */
export const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "bellwether-ca-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

const keys = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

/** `name` is the authority, with which {@link sign} signs. */
export const authority = (directory: string, name = "ca"): Signed => {
  const subject = ["-subj", `/CN=${name} of a test`, "-days", "2"]
  openssl(directory, "req", "-x509", ...keys, "-keyout", `${name}.key`, "-out", `${name}.pem`, ...subject)
  return signed(directory, name)
}

/** For servers on loopback, and for their clients. */
export const sign = (directory: string, name: string, ca = "ca"): Signed => {
  openssl(directory, "req", ...keys, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`)
  writeFileSync(join(directory, `${name}.ext`), "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
  const by = ["-CA", `${ca}.pem`, "-CAkey", `${ca}.key`, "-CAcreateserial", "-days", "2"]
  openssl(directory, "x509", "-req", "-in", `${name}.csr`, ...by, "-extfile", `${name}.ext`, "-out", `${name}.pem`)
  return signed(directory, name)
}

/** Whether a node answers who has this certificate. */
export const answersTo = (tls: { readonly ca: string; readonly cert: string; readonly key: string }) => (url: string) =>
  new Promise<boolean>((resolve) => {
    request(`${url}/version`, { agent: new Agent(tls), timeout: 1_000 }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    }).once("error", () => resolve(false)).once("timeout", () => resolve(false)).end()
  })
