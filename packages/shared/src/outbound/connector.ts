import { lookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { Fault } from '../errors/fault.ts';
import { isPublicAddress, type AllowList } from './address.ts';

/** What is said of a target that is refused: nothing of where it leads, which would tell about the network behind us. */
export function internalFault(): Fault {
  return new Fault(
    'forbidden',
    'the URL leads to an address that is not public',
    'Use a public address, or have an administrator add the host to OUTBOUND_ALLOW_INTERNAL.',
  );
}

/** Opens sockets to public addresses and to those that are listed: the name, what it resolves to and what was connected are each checked. */
export function guardedConnector(allowed: AllowList, timeoutMs: number): buildConnector.connector {
  return (options, callback) => {
    const port = Number(options.port || (options.protocol === 'https:' ? 443 : 80));
    const host = options.hostname.replace(/^\[|\]$/g, '');
    const isListed = allowed.allowsHost(host, port);
    const mayReach = (address: string): boolean => isListed || isPublicAddress(address) || allowed.allowsAddress(address, port);
    if (isIP(host) !== 0 && !mayReach(host)) {
      callback(internalFault(), null);
      return;
    }
    const connect = buildConnector({ timeout: timeoutMs, allowH2: false, lookup: guardedLookup(mayReach), autoSelectFamily: true });
    connect(options, (error, socket) => {
      if (error) callback(error, null);
      else if (socket && !mayReach(socket.remoteAddress ?? '')) {
        socket.destroy();
        callback(internalFault(), null);
      } else callback(null, socket);
    });
  };
}

/** Resolves as the system does, but refuses a name with any address that may not be reached: we never choose among them. */
function guardedLookup(mayReach: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) callback(error, '', 0);
      else if (addresses.length === 0 || !addresses.every(({ address }) => mayReach(address))) callback(internalFault(), '', 0);
      else if (options.all) callback(null, addresses);
      else callback(null, addresses[0]!.address, addresses[0]!.family);
    });
  };
}
