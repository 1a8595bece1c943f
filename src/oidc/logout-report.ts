import type { OidcDeps } from './oidc-deps.ts';

export type DeliveryState = 'pending' | 'confirmed' | 'failed' | 'not-offered';

/** What became of one log-out: for the page after it, the portal and the desk. */
export interface LogoutReport {
  id: string;
  personId: string;
  at: Date;
  reason: string;
  apps: { clientId: string; name: { zh: string; en: string }; state: DeliveryState; attempts: number; settledAt?: Date }[];
  /** Nothing is pending any more. */
  done: boolean;
}

/** Worst first: an app with several sessions is confirmed only when all of them are. */
const ORDER: readonly DeliveryState[] = ['failed', 'pending', 'not-offered', 'confirmed'];

export async function logoutReport({ db }: Pick<OidcDeps, 'db'>, id: string): Promise<LogoutReport | undefined> {
  if (!/^[0-9a-f-]{36}$/.test(id)) return undefined;
  const logout = await db.oidcLogout.findUnique({ where: { id }, include: { deliveries: { orderBy: { createdAt: 'asc' } } } });
  if (!logout) return undefined;
  const clientIds = [...new Set(logout.deliveries.map((delivery) => delivery.clientId))];
  const clients = await db.oidcClient.findMany({ where: { id: { in: clientIds } }, select: { id: true, nameZh: true, nameEn: true } });
  const apps = clientIds.map((clientId) => {
    const own = logout.deliveries.filter((delivery) => delivery.clientId === clientId);
    const state = ORDER.find((candidate) => own.some((delivery) => delivery.state === candidate)) ?? 'pending';
    const client = clients.find((candidate) => candidate.id === clientId);
    const settled = own.map((delivery) => delivery.settledAt?.getTime() ?? 0);
    return {
      clientId,
      name: { zh: client?.nameZh ?? clientId, en: client?.nameEn ?? clientId },
      state,
      attempts: Math.max(...own.map((delivery) => delivery.attempts)),
      ...(state === 'pending' ? {} : { settledAt: new Date(Math.max(...settled)) }),
    };
  });
  return {
    id,
    personId: logout.personId,
    at: logout.at,
    reason: logout.reason,
    apps,
    done: apps.every(({ state }) => state !== 'pending'),
  };
}
