/** The conformance cases on the LAN with leases, and over a registry in memory. */
import { VirtualTime } from "../../src/testing/index.ts"
import { conformance } from "./Conformance.ts"
import * as Ground from "./harness/Ground.ts"

conformance("a group on a LAN with leases", Ground.lan, VirtualTime.run)

conformance("a group over a registry", Ground.memory, VirtualTime.run)
