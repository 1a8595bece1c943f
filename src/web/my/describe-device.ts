/** A browser's own name in words a person knows; a guess for recognising one's own devices, never a fact to rely on. */
const SYSTEMS: readonly [RegExp, string][] = [
  [/HarmonyOS/i, '鸿蒙'],
  [/iPhone|iPad/i, 'iPhone / iPad'],
  [/Android/i, 'Android'],
  [/Windows/i, 'Windows'],
  [/Mac OS X/i, 'macOS'],
  [/Linux/i, 'Linux'],
];
const BROWSERS: readonly [RegExp, string][] = [
  [/MicroMessenger/i, '微信'],
  [/AlipayClient/i, '支付宝'],
  [/Edg\//, 'Edge'],
  [/Firefox\//, 'Firefox'],
  [/Chrome\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];

export function describeDevice(userAgent: string | undefined): string {
  const name = (table: readonly [RegExp, string][]) => table.find(([pattern]) => pattern.test(userAgent ?? ''))?.[1];
  return [name(BROWSERS), name(SYSTEMS)].filter(Boolean).join(' · ') || '未知设备 Unknown device';
}
