/** What the versions of etcd can do, and cannot. */
import { assert, describe, it } from "@effect/vitest"
import * as EtcdVersion from "../../src/etcd/EtcdVersion.ts"

describe("a version of etcd", () => {
  it("has the gateway from 3.4 on", () => {
    for (const version of ["3.2.32", "3.3.27"]) assert.isFalse(EtcdVersion.hasGateway(version), version)
    for (const version of ["3.4.0", "3.4.23", "3.5.0-rc.1", "3.10.1", "4.0.0"]) {
      assert.isTrue(EtcdVersion.hasGateway(version), version)
    }
  })

  it("may end leases early before 3.4.31 and 3.5.13", () => {
    for (const version of ["3.4.0", "3.4.30", "3.5.0", "3.5.12"]) {
      assert.isTrue(EtcdVersion.endsLeasesEarly(version), version)
    }
    for (const version of ["3.4.31", "3.4.45", "3.5.13", "3.5.100", "3.6.0", "3.7.1", "4.4.0"]) {
      assert.isFalse(EtcdVersion.endsLeasesEarly(version), version)
    }
  })
})
