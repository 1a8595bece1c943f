/**
 * The signer over the network: TLS 1.3 only, and only for callers that show a certificate of the callers' CA. Who it is stands in the
 * certificate; what it may ask for, in the policy. A caller taken out of the policy is a stranger from the next request on.
 */
import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { answerCaller } from './answer-caller.ts';
import type { GuardedKeyStore } from './guarded-key-store.ts';
import { closed, listening, type RunningSigner, SERVER_LIMITS, type SignerEars } from './serve-signer.ts';

/** PEM texts. */
export interface TlsMaterial {
  certificate: string;
  key: string;
  /** The CA of those on the other side, and no other. */
  authority: string;
}

export interface RunningTlsSigner extends RunningSigner {
  port: number;
  /** Takes new certificates for connections from now on. */
  replace(material: TlsMaterial): void;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;

export async function serveSignerTls(
  store: GuardedKeyStore,
  { host, port, material }: { host: string; port: number; material: TlsMaterial },
  ears: SignerEars = {},
): Promise<RunningTlsSigner> {
  const storeOf = (request: IncomingMessage) => {
    const socket = request.socket as TLSSocket;
    if (!socket.authorized) return undefined;
    const caller = store.callerOfCertificate(namesOf(socket.getPeerX509Certificate()));
    return caller === undefined ? undefined : store.as(caller);
  };
  const doorway = { ...ears, storeOf };
  const server = createServer(
    { ...SERVER_LIMITS, ...contextOf(material), requestCert: true, rejectUnauthorized: true, handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
    (request, response) => {
      answerCaller(doorway, request, response).catch(() => response.destroy());
    },
  );
  // No certificate, one of another CA, an older TLS: the handshake ends, and the stranger is on record.
  server.on('tlsClientError', () => ears.onStranger?.());
  await listening(server, () => server.listen(port, host));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    replace: (next) => server.setSecureContext(contextOf(next)),
    close: () => closed(server),
  };
}

function contextOf({ certificate, key, authority }: TlsMaterial) {
  return { cert: certificate, key, ca: authority, minVersion: 'TLSv1.3' as const };
}

/** DNS names and URIs of the subjectAltName; the common name only where there is none (RFC 6125 §6.4.4). */
export function namesOf(certificate: X509Certificate | undefined): string[] {
  if (!certificate) return [];
  const alternative = certificate.subjectAltName;
  // node quotes whatever could be mistaken for a separator: such names are nobody's.
  if (alternative !== undefined)
    return alternative.includes('"') ? [] : alternative.split(', ').flatMap((entry) => /^(?:DNS|URI):(.+)$/.exec(entry)?.[1] ?? []);
  const common = /^CN=(.+)$/m.exec(certificate.subject)?.[1];
  return common === undefined ? [] : [common];
}
