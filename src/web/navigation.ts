/** Main sections of the site. Staff see their work places; everybody else is spared them. */
import type { FastifyRequest } from 'fastify';
import type { Role } from '#access/staff.ts';

export type NavigationItem = readonly [surface: string, path: string, zh: string, en: string];

const WORK_PLACES: readonly [...NavigationItem, roles: readonly Role[]][] = [
  ['counter', '/counter', '窗口核验', 'Counter', ['counter']],
  ['desk', '/desk', '证照签发', 'Issuing', ['issuer', 'seal-admin', 'approver']],
  ['admin', '/admin', '运行管理', 'Operations', ['operator', 'auditor']],
];

export function navigationFor(request: FastifyRequest): readonly NavigationItem[] {
  const held = new Set(request.positions.flatMap((position) => position.roles));
  const work = WORK_PLACES.filter(([, , , , roles]) => roles.some((role) => held.has(role)));
  return [
    ['home', '/', '首页', 'Home'],
    ['my', '/my', '我的证照', 'My licences'],
    ['verify', '/verify', '公开验真', 'Verify'],
    ...work.map(([surface, path, zh, en]) => [surface, path, zh, en] as const),
  ];
}
