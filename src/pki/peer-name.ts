/** Whether a certificate names the peer one wanted to reach (RFC 9525, RFC 5280 §4.2.1.6). The subject's common name never counts. */
import { domainToASCII } from 'node:url';
import { isHostName, parseIpAddress, parseMailbox } from './addresses.ts';
import type { Certificate } from './certificate.ts';

export interface PeerName {
  kind: 'dns' | 'ip' | 'email';
  value: string;
}

/** What people write: an IP address, a mailbox, or else a host name. */
export function readPeerName(text: string): PeerName {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (parseIpAddress(bare)) return { kind: 'ip', value: bare };
  return { kind: text.includes('@') ? 'email' : 'dns', value: text };
}

export function namesPeer(certificate: Certificate, { kind, value }: PeerName): boolean {
  const names = certificate.subjectAltNames;
  switch (kind) {
    case 'ip': {
      const octets = parseIpAddress(value);
      return octets !== undefined && names.some((name) => name.kind === 'ip' && Buffer.compare(name.value, octets) === 0);
    }
    case 'dns': {
      const host = domainToASCII(value.replace(/\.$/, ''));
      return isHostName(host) && names.some((name) => name.kind === 'dns' && matchesHost(name.value, host));
    }
    case 'email': {
      const wanted = parseMailbox(value, true);
      return names.some((name) => {
        if (!wanted || (name.kind !== 'email' && name.kind !== 'utf8-email')) return false;
        const mailbox = parseMailbox(name.value, name.kind === 'utf8-email');
        return mailbox !== undefined && mailbox.local === wanted.local && mailbox.host === wanted.host;
      });
    }
  }
}

/** RFC 9525 §6.3: a wildcard only as the whole left-most label, and for exactly one label. */
function matchesHost(presented: string, host: string): boolean {
  const [name, wanted] = [presented.toLowerCase(), host.toLowerCase()];
  if (!name.startsWith('*.')) return name === wanted;
  return isHostName(name.slice(2)) && wanted.slice(wanted.indexOf('.') + 1) === name.slice(2) && wanted.includes('.');
}
