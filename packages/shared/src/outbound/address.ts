import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Azure's platform address: it looks public and answers every machine with the machine's own secrets. */
const publicLookingButInternal = new Set(['168.63.129.16']);
/** All of IPv6 that is given to the public internet so far (RFC 4291, section 2.4, and IANA's registry). */
const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/** Whether packets to this address leave for the public internet: not loopback, private, link-local, translated, tunnelled or reserved. */
export function isPublicAddress(text: string): boolean {
  const address = parse(text);
  if (!address || publicLookingButInternal.has(address.toString()) || address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || (address as ipaddr.IPv6).match(globalUnicast);
}

/** The address, an IPv4 address inside an IPv6 one as itself; null when it is none. */
function parse(text: string): Address | null {
  return ipaddr.isValid(text) ? ipaddr.process(text) : null;
}

/** One entry of an administrator's list: a host by name or address, or a network; with a port only that one. */
interface Entry {
  host?: string;
  network?: [Address, number];
  port?: number;
}

const entryPattern = /^(?:\[(?<v6>[0-9a-f:.]+)\]|(?<host>[^:\s[\]]+)|(?<bare>[0-9a-f]*:[0-9a-f:.]*(?:\/\d+)?))(?::(?<port>\d{1,5}))?$/i;

/**
 * Internal targets that an administrator allows: `127.0.0.1:11434`, `[::1]`, `models.internal`, `models.internal:8080`, `10.1.0.0/16`. A name
 * is allowed wherever it leads.
 */
export class AllowList {
  private readonly entries: Entry[];

  /** Throws an Error that names the first entry which cannot be understood. */
  constructor(entries: readonly string[]) {
    this.entries = entries.filter((entry) => entry !== '').map(parseEntry);
  }

  /** Whether a host, as it stands in a URL, is listed by its name. */
  allowsHost(hostname: string, port: number): boolean {
    const host = hostname.toLowerCase();
    return this.entries.some((entry) => entry.host === host && (entry.port === undefined || entry.port === port));
  }

  allowsAddress(text: string, port: number): boolean {
    const address = parse(text);
    return (
      address !== null &&
      this.entries.some(
        ({ network, port: only }) =>
          network !== undefined && network[0].kind() === address.kind() && address.match(network) && (only === undefined || only === port),
      )
    );
  }
}

function parseEntry(text: string): Entry {
  const { v6, host, bare, port } = entryPattern.exec(text.trim())?.groups ?? {};
  const name = v6 ?? bare ?? host;
  const only = port === undefined ? undefined : Number(port);
  if (name === undefined || (only !== undefined && (only < 1 || only > 65_535))) throw unusable(text);
  const limits = only === undefined ? {} : { port: only };
  if (name.includes('/')) {
    if (!ipaddr.isValidCIDR(name)) throw unusable(text);
    return { network: ipaddr.parseCIDR(name), ...limits };
  }
  const address = parse(name);
  if (address) return { network: [address, address.kind() === 'ipv4' ? 32 : 128], ...limits };
  if (!/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i.test(name)) throw unusable(text);
  return { host: name.toLowerCase(), ...limits };
}

function unusable(text: string): Error {
  return new Error(`${JSON.stringify(text)} is no host, address or network, as 127.0.0.1:11434, models.internal or 10.1.0.0/16`);
}
