import { watchFile } from 'node:fs';
import type { Config } from '#config.ts';
import { serveSigner } from '#signer/serve-signer.ts';
import { serveSignerTls } from '#signer/serve-signer-tls.ts';
import { openOwnKeys, readMaterial } from './open-keys.ts';

/**
 * The signer as a process of its own: keys, a log, a socket or a TLS port; no database. SIGHUP makes it read policy and certificates
 * again; both are also looked at when they change. `undo` gets what ends it.
 */
export async function runSigner(config: Config, undo: (() => Promise<void> | void)[]): Promise<void> {
  const { socketPath, token, tokens, listen, tlsFiles } = config.signer;
  if (!socketPath && !listen) throw new Error('TONGREN_SIGNER_SOCKET or TONGREN_SIGNER_LISTEN must be set for a signer of its own.');
  const own = await openOwnKeys(config);
  undo.push(() => own.close());
  const ears = { onStranger: own.noteStranger, logHead: own.heads.newest };
  const places: string[] = [];
  if (socketPath) {
    const running = await serveSigner(own.keys, { socketPath, tokens, ...(token === undefined ? {} : { token }) }, ears);
    undo.push(() => running.close());
    places.push(socketPath);
  }
  const renewals: (() => void)[] = [() => void own.policy.reload()];
  if (listen && tlsFiles) {
    const running = await serveSignerTls(own.keys, { ...listen, material: readMaterial(tlsFiles) }, ears);
    undo.push(() => running.close());
    places.push(`https://${listen.host}:${running.port}`);
    const renew = () => {
      try {
        running.replace(readMaterial(tlsFiles));
      } catch (error) {
        // The former certificate stays in use.
        console.error(`TONGREN_SIGNER_CERT: ${(error as Error).message}`);
      }
    };
    renewals.push(renew);
    watchFile(tlsFiles.certificate, { interval: 10_000, persistent: false }, renew);
  }
  process.on('SIGHUP', () => {
    for (const renew of renewals) renew();
  });
  console.log(`Tongren signer ready on ${places.join(' and ')}`);
}
