/** Options and arguments that several commands take alike. */
import { InvalidArgumentError, Option } from 'commander';

export const asJson = () => new Option('--json', 'print JSON for programs');
export const atTime = () => new Option('--at <time>', 'judge as of this time (RFC 3339) instead of now').argParser(parseTime);
export const pageNumber = () => new Option('--page <number>', 'only this page, from 1').argParser(parsePage);

export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

export function collectOid(value: string, before: string[] = []): string[] {
  if (!/^[0-2](?:\.(?:0|[1-9]\d{0,30})){1,30}$/.test(value)) throw new InvalidArgumentError('not an OID like 2.5.29.32.0.');
  return [...before, value];
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('not a number from 1 to 99.');
  return Number(text);
}

export function parseWhole(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('not a whole number.');
  return Number(text);
}

export function parsePage(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('not a page number.');
  return Number(text);
}

export function parseDpi(text: string): number {
  const dpi = Number(text);
  if (!(dpi >= 18 && dpi <= 1200)) throw new InvalidArgumentError('not between 18 and 1200.');
  return dpi;
}

export function parseHours(text: string): number {
  const hours = Number(text);
  if (!(hours > 0)) throw new InvalidArgumentError('not a number of hours above 0.');
  return hours;
}

export function parseTime(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime()) || !/^\d{4}-\d\d-\d\d/.test(text))
    throw new InvalidArgumentError('not a time like 2026-06-01T08:00:00Z.');
  return time;
}
