import { createPrivateKey } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { CertificateDeps } from '#certificates/certificate-deps.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import { toPem } from '#pki/pem.ts';

const LIFE_DAYS = 90;

/**
 * A web-server certificate of the development CA for https on the local network, made at each start with a key that is
 * gone at its end. This process trusts the CA too, because the demo's apps call the provider over https.
 */
export async function developmentTls(
  config: { origin: string; dataDir: string },
  deps: CertificateDeps,
): Promise<{ cert: string; key: string }> {
  const { hostname } = new URL(config.origin);
  const pair = generateKeyPair('es256');
  await initialiseAuthorities(deps);
  const { chain } = await issueCertificate(deps, {
    profile: 'web-server',
    suite: 'es256',
    subject: { commonName: hostname },
    spki: pair.spki,
    days: LIFE_DAYS,
    by: 'system:start',
    subjectAltNames: [
      ...(isIPv4(hostname) ? [{ ip: Uint8Array.from(hostname.split('.').map(Number)) }] : [{ dns: hostname }]),
      { dns: 'localhost' },
    ],
  });
  const [leaf, issuing, root] = chain.map(({ der }) => toPem('CERTIFICATE', der));
  setDefaultCACertificates([...getCACertificates('default'), root ?? '']);
  mkdirSync(join(config.dataDir, 'trust'), { recursive: true });
  writeFileSync(join(config.dataDir, 'trust', 'root-for-phones.crt'), root ?? '');
  const key = createPrivateKey({ key: Buffer.from(pair.pkcs8), format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' });
  return { cert: `${leaf}${issuing}`, key: key.toString() };
}
