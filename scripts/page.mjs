// The page of a server in one piece: script and style are inlined, and named by their hashes in the policy that goes with it,
// so that a browser runs and loads nothing else. Made into a module, so that bundlers of apps take it along.
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { rolldown } from "rolldown"
import { root } from "./setup.mjs"

const source = join(root, "src", "status", "page", "browser")

const hashOf = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`

/** The page as a module, and the ids of the modules that it is made of. */
export const makePage = async () => {
  const bundle = await rolldown({
    input: join(source, "main.tsx"),
    cwd: root,
    platform: "browser",
    tsconfig: join(source, "tsconfig.json"),
    transform: { target: "es2023" }
  })
  const { output: [{ code, moduleIds }] } = await bundle.generate({ format: "esm", minify: true })
  await bundle.close()
  const script = code.replaceAll("</script", "<\\/script")
  const style = readFileSync(join(source, "page.css"), "utf8").replace(/\s+/g, " ")
  const html = readFileSync(join(source, "page.html"), "utf8")
    .replace("<!-- style -->", () => `<style>${style}</style>`)
    .replace("<!-- script -->", () => `<script type="module">${script}</script>`)
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'"
  ].join("; ")
  const etag = `"${createHash("sha256").update(html).digest("hex").slice(0, 32)}"`
  const exported = Object.entries({ html, policy, etag })
  return {
    module: exported.map(([name, value]) => `export const ${name} = ${JSON.stringify(value)}\n`).join(""),
    moduleIds
  }
}
