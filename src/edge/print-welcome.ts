import type { Config } from '#config.ts';
import { Problem } from '#problem.ts';
import type { WebContext } from '#web/web-context.ts';
import type { OpenedStorage } from './open-storage.ts';

/** What a newcomer needs after the start: where to click, and with what to sign in. */
export function printWelcome(config: Config, context: WebContext, facts: { storage: OpenedStorage; milliseconds: number }): void {
  const { embedded } = facts.storage;
  const lines = [`Tongren 通认 ${context.version} — ${config.roles.join(', ')} — ready in ${(facts.milliseconds / 1000).toFixed(1)} s`, ''];
  if (config.roles.includes('web')) {
    const places: [string, string][] = [
      ['home / 首页', '/'],
      ['citizen / 市民', '/my'],
      ['counter / 窗口核验', '/counter'],
      ['department desk / 部门业务', '/desk'],
      ['operator / 运营', '/admin'],
      ['verify a file / 公众验真', '/verify'],
      ['API', '/api/docs'],
    ];
    lines.push(...table(places.map(([name, path]) => [name, config.origin + path])));
  }
  if (context.demo) {
    lines.push(...table(context.demo.apps.map(({ nameZh, nameEn, url }) => [`${nameEn} / ${nameZh}`, url])));
    if (context.simulators) lines.push(...table([['simulated SMS / 模拟短信', `${config.origin}/demo/sms`]]));
    lines.push('', 'Demo accounts / 演示账号 (login, password, who):');
    lines.push(
      ...table(
        context.demo.accounts.map(({ login, password, roleEn, roleZh, path }) => [login, password, `${roleEn} / ${roleZh} → ${path}`]),
      ),
    );
  }
  if (embedded)
    lines.push('', `PostgreSQL and data / 数据库与数据: ${embedded.folder}${embedded.movedBecause ? ` (${embedded.movedBecause})` : ''}`);
  if (config.tls) lines.push(`For phones / 手机请先信任此根证书: ${config.dataDir}/trust/root-for-phones.crt (${config.origin}/ca)`);
  if (embedded?.adopted) lines.push('A database server of an earlier run was still alive and has been taken over.');
  lines.push('', 'Ctrl-C stops / 按 Ctrl-C 停止');
  console.log(lines.join('\n'));
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>((known, row) => row.map((cell, column) => Math.max(known[column] ?? 0, columnsOf(cell))), []);
  return rows.map(
    (row) =>
      `  ${row
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - columnsOf(cell)))
        .join('  ')
        .trimEnd()}`,
  );
}

/** Columns in a terminal: Chinese characters take two. */
function columnsOf(text: string): number {
  return [...text].reduce((sum, character) => sum + (/[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60]/.test(character) ? 2 : 1), 0);
}

/** One sentence for whatever kept the service from starting. */
export function failure(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException & { port?: number };
  const port = (error as { port?: number }).port;
  if (code === 'EADDRINUSE')
    return `Port ${port} is already in use: set TONGREN_PORT to another. / 端口 ${port} 已被占用，请设置 TONGREN_PORT。`;
  if (code === 'EACCES' && port !== undefined)
    return `Port ${port} may not be used by this user: set TONGREN_PORT to one above 1023. / 无权使用端口 ${port}。`;
  if (code === 'EADDRNOTAVAIL') return 'TONGREN_HOST is not an address of this machine. / TONGREN_HOST 不是本机地址。';
  if (error instanceof Problem)
    return [message, error.detail, ...error.errors.map(({ pointer, detail }) => `${pointer}: ${detail}`)].filter(Boolean).join(' ');
  return message || String(error);
}
