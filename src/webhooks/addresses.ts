import { BlockList, isIP } from 'node:net';

/** Whether an event may be sent to an IP address. */
export type AllowsAddress = (address: string) => boolean;

/**
 * Networks without public addresses: the IANA IPv4 and IPv6 Special-Purpose Address Registries, and multicast.
 * An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is compared with the IPv4 networks.
 */
const NOT_PUBLIC = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  // IPv6 is public in 2000::/3 except for these. Other IPv6 networks translate to IPv4, which could be private.
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
];
const GLOBAL_IPV6 = ['2000::/3'];
const MAPPED_IPV4 = ['::ffff:0:0/96'];

const NETWORK = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/;

/**
 * Returns networks as a list that addresses can be compared with.
 * @param networks such as `10.20.0.0/16` or `fd00::/8`
 * @throws Error that names an invalid network
 */
function toList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [, address = '', prefix] = NETWORK.exec(network) ?? [];
    const family = isIP(address);
    if (family === 0 || Number(prefix) > (family === 4 ? 32 : 128)) {
      throw new Error(`${network} is not a network such as 10.20.0.0/16`);
    }
    list.addSubnet(address, Number(prefix), family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

const notPublic = toList(NOT_PUBLIC);
const globalIpv6 = toList(GLOBAL_IPV6);
const mappedIpv4 = toList(MAPPED_IPV4);

function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !notPublic.check(address, 'ipv4');
  if (notPublic.check(address, 'ipv6')) return false;
  return globalIpv6.check(address, 'ipv6') || mappedIpv4.check(address, 'ipv6');
}

/**
 * Returns the rule of an installation: public addresses and those of its own networks are allowed.
 * @param networks such as `127.0.0.0/8`
 * @throws Error that names an invalid network
 */
export function allowsPublicAnd(networks: readonly string[]): AllowsAddress {
  const own = toList(networks);
  return (address) => {
    const family = isIP(address);
    if (family === 0) return false;
    return isPublic(address) || own.check(address, family === 4 ? 'ipv4' : 'ipv6');
  };
}

const loopback = toList(['127.0.0.0/8', '::1/128']);

/** Whether an address stays on this machine. */
export function isLoopback(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && loopback.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whether a name always means this machine (RFC 6761). */
export function isLocalhost(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost');
}
