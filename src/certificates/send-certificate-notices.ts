/** Notices as short messages: to the person, or to those who look after an organisation's certificates. Without any personal data. */
import { listStaff } from '#access/find-staff.ts';
import { findPerson } from '#people/find-person.ts';
import type { SmsGateway } from '#ports/sms-gateway.ts';
import { Problem } from '#problem.ts';
import type { NoticeKind } from './certificate-notices.ts';
import type { EnrolDeps } from './enrolment.ts';

const BATCH = 50;
/** Then the notice in the portal has to do. */
const MAX_ATTEMPTS = 5;
/** Of an organisation with very many, the first are told. */
const MAX_RECIPIENTS = 5;

export type NoticeDeps = Pick<EnrolDeps, 'db' | 'clock' | 'fields'> & { sms: SmsGateway };

/**
 * Sends what waits and returns how many notices were settled. A notice is claimed before it is sent, so that nobody is told twice;
 * one whose process died in between counts as sent. What the gateway refuses is tried again, five times.
 */
export async function sendCertificateNotices(deps: NoticeDeps): Promise<number> {
  const { db } = deps;
  const waiting = await db.certificateNotice.findMany({ where: { message: 'pending' }, orderBy: { createdAt: 'asc' }, take: BATCH });
  let settled = 0;
  for (const notice of waiting) {
    const { count } = await db.certificateNotice.updateMany({
      where: { id: notice.id, message: 'pending' },
      data: { message: 'sending', attempts: { increment: 1 } },
    });
    if (count === 0) continue;
    const outcome = await tell(deps, notice);
    const again = outcome === 'failed' && notice.attempts + 1 < MAX_ATTEMPTS;
    await db.certificateNotice.update({ where: { id: notice.id }, data: { message: again ? 'pending' : outcome } });
    if (!again) settled += 1;
  }
  return settled;
}

interface Notice {
  serialHex: string;
  kind: string;
  personId: string | null;
  organisationId: string | null;
}

/** `sent` when the message reached anybody: telling the others again would tell that one twice. */
async function tell(deps: NoticeDeps, notice: Notice): Promise<'sent' | 'none' | 'failed'> {
  const certificate = await deps.db.issuedCertificate.findUnique({ where: { serialHex: notice.serialHex }, select: { notAfter: true } });
  const phones = await phonesOf(deps, notice);
  if (!certificate || phones.length === 0) return 'none';
  const text = messageText(notice.kind as NoticeKind, notice.serialHex, certificate.notAfter);
  const results = await Promise.all(phones.map((phone) => isSent(deps.sms, phone, text)));
  return results.includes(true) ? 'sent' : 'failed';
}

async function isSent(sms: SmsGateway, phone: string, text: string): Promise<boolean> {
  try {
    await sms.send({ phone, text });
    return true;
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}

async function phonesOf(deps: NoticeDeps, { personId, organisationId }: Notice): Promise<string[]> {
  const people = personId ? [personId] : await keepersOf(deps, organisationId ?? '');
  const found = await Promise.all(people.map((id) => findPerson(deps, id)));
  return found.flatMap((person) => (person?.phone ? [person.phone] : []));
}

async function keepersOf(deps: NoticeDeps, organisationId: string): Promise<string[]> {
  const staff = await listStaff(deps, { organisationId, limit: 500 });
  return staff.flatMap(({ roles, personId }) => (roles.includes('seal-admin') ? [personId] : [])).slice(0, MAX_RECIPIENTS);
}

const DAY = new Intl.DateTimeFormat('zh-CN', { timeZone: 'Asia/Shanghai', dateStyle: 'long' });

export function messageText(kind: NoticeKind, serialHex: string, notAfter: Date): string {
  const which = `数字证书（序列号末四位${serialHex.slice(-4).toUpperCase()}）`;
  if (kind === 'issued') return `【通认】您的${which}已签发，有效期至${DAY.format(notAfter)}。如非本人操作，请立即登录吊销。`;
  if (kind === 'revoked') return `【通认】您的${which}已吊销。如非本人操作，请尽快联系服务窗口。`;
  if (kind === 'encryption-issued') return `【通认】您的${which}已领取配套加密证书。如非本人操作，请立即登录吊销。`;
  if (kind.startsWith('key-recovery-')) return `【通认】您的${which}的加密密钥恢复申请已获批准。如非您提出，请尽快联系服务窗口。`;
  if (kind.startsWith('key-recovered-')) return `【通认】您的${which}的加密密钥已恢复并交付。如有疑问，请联系服务窗口。`;
  return `【通认】您的${which}将于${DAY.format(notAfter)}到期，请登录通认办理续期。`;
}
