/** Networks, of the interfaces and of the setting `networks`: which one is around an address, and what is on it. */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Zone from "../protocol/model/Zone.ts"
import { fewestBits } from "../settings/Forms.ts"

/** One network: the first so many bits of an address. */
export type Network = IpNetwork.IpNetwork

/**
 * The network of so many bits around an address, whose zone does not matter. None where that is no address, or too few bits.
 */
export const around = (ip: string, bits: number): Option.Option<Network> =>
  Option.flatMap(addressOf(ip), (address) => Result.getSuccess(IpNetwork.fromAddress(address, bits))).pipe(
    Option.filter(isNarrow)
  )

/** Whether an address is on one of these networks. A text that is no address is not; a zone does not matter. */
export const hold = (networks: ReadonlyArray<Network>, ip: string): boolean =>
  networks.length > 0 &&
  Option.exists(addressOf(ip), (address) => networks.some((network) => IpNetwork.contains(network, address)))

/** The address that a text is, without its zone. */
export const addressOf = (ip: string): Option.Option<NetAddress.IpAddress> =>
  Result.getSuccess(NetAddress.ipFromString(Zone.without(ip)))

// internal

const isNarrow = ({ address, prefixLength }: Network): boolean =>
  prefixLength >= fewestBits[NetAddress.familyOf(address)]
