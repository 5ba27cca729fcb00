import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// The directory where to write the results as JSON, one file for each run of vitest, for machines that read them.
const results = process.env["TEST_RESULTS_DIRECTORY"]

export default defineConfig({
  // Nothing is kept between runs: two copies of the suite may run in one checkout.
  cacheDir: here(`node_modules/.vite/${process.pid}`),
  resolve: {
    alias: [
      // Tests and examples import the package by its name, as its users do, and get what is in `src` now.
      { find: /^bellwether$/, replacement: here("src/index.ts") },
      { find: /^bellwether\/testing$/, replacement: here("src/testing/index.ts") },
      { find: /^bellwether\/((?:Node|Status|Cluster|Etcd|Moving|Sql)\w*)$/, replacement: here("src/$1.ts") }
    ]
  },
  test: {
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    // Tests start and stop processes and send them signals, which worker threads cannot.
    pool: "forks",
    // Half of the tests wait for processes and sockets, and leave their processor to the others.
    maxWorkers: availableParallelism() + 2,
    // Longer than a test waits for a process: what it saw until then is told instead.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    cache: false,
    reporters: results === undefined
      ? ["default"]
      : ["default", ["json", { outputFile: `${results}/${process.pid}.json` }]],
    coverage: {
      provider: "v8",
      include: ["src/protocol/**/*.ts"],
      reporter: ["text"],
      thresholds: { branches: 100 }
    }
  }
})
