/**
 * `tongren signer-log trust`: an operator's word for a key of the signer's log that no key before vouches for. The file comes from the
 * signer's machine by hand; that the signer answers with the same key is looked at besides.
 */
import { readFileSync } from 'node:fs';
import { recordEvent } from '#audit/record-event.ts';
import { signerLogPin } from '#edge/trust-folder.ts';
import { parsePem } from '#pki/pem.ts';
import { readAnsweredHead } from '#signer/follow-log-key.ts';
import { fingerprintOf, followLinks, LOG_KEY } from '#signer/log-key-chain.ts';
import { type Opened, withDataKeys } from './with-data-keys.ts';

const BY = 'system:operator';

export function trustLogKey({ key, json }: { key: string; json?: boolean }): Promise<number> {
  return withDataKeys(async (installation) => {
    const said = await trust(installation, readFileSync(key, 'utf8'));
    if (json) console.log(JSON.stringify(said));
    else for (const [name, value] of Object.entries(said)) console.log(`${name}: ${value}`);
    return 0;
  });
}

async function trust({ config, deps }: Opened, pem: string): Promise<Record<string, string>> {
  const wanted = parsePem(pem, 'PUBLIC KEY').at(-1);
  if (!wanted) throw new Error('The file holds no public key. / 文件中没有公钥。');
  const fingerprint = fingerprintOf(wanted);
  const pin = signerLogPin(config.dataDir);
  const believed = await pin.read();
  const isIn = (keys: readonly Uint8Array[]) => keys.some((one) => fingerprintOf(one) === fingerprint);
  if (isIn(believed.slice(0, -1)))
    throw new Error('This key was succeeded before and is not believed again. / 该密钥已被取代，不能重新信任。');
  const answer = await deps.keys.logHead();
  const { keys } = followLinks({ name: LOG_KEY, spki: answer.first }, answer.links);
  if (fingerprintOf(answer.spki) !== fingerprint || 'fault' in readAnsweredHead(answer, keys))
    throw new Error(
      `The signer signs with another key (SHA-256 ${fingerprintOf(answer.spki)}) than this file holds (${fingerprint}). / 签名服务使用的密钥与该文件不一致。`,
    );
  const former = believed.at(-1);
  if (former && fingerprintOf(former) === fingerprint) return { trusted: fingerprint, before: 'the same already / 已信任' };
  const detail = { key: fingerprint, ...(former ? { former: fingerprintOf(former) } : {}) };
  await deps.db.$transaction((tx) =>
    recordEvent(tx, { kind: 'signer-log-key-trusted', actor: BY, subject: 'signer-log', detail, at: deps.clock.now() }),
  );
  await pin.replace([...believed, wanted], answer.links);
  return { trusted: fingerprint, before: former ? fingerprintOf(former) : 'none / 无' };
}
