/** Conditional requests (RFC 9110 §13): whether the requester already has what would be sent. */
import type { IncomingHttpHeaders } from 'node:http';

export interface Validators {
  /** With its quotation marks. */
  etag: string;
  /** Left out where a second does not tell two versions apart. */
  lastModified?: Date;
}

/** True when 304 is the answer to a GET or HEAD. If-Modified-Since counts only without If-None-Match (§13.1.3). */
export function isUnchanged(headers: IncomingHttpHeaders, { etag, lastModified }: Validators): boolean {
  const tags = headers['if-none-match'];
  if (tags !== undefined) return matchesTag(tags, etag);
  const since = headers['if-modified-since'];
  const at = since === undefined ? undefined : parseHttpDate(since);
  return at !== undefined && lastModified !== undefined && Math.floor(lastModified.getTime() / 1_000) * 1_000 <= at.getTime();
}

/** §13.1.2: the weak comparison, in which `W/"a"` is `"a"`. A tag may contain commas. */
function matchesTag(field: string, etag: string): boolean {
  if (field.trim() === '*') return true;
  const tags: string[] = field.match(/"[\x21\x23-\x7e\x80-\xff]*"/g) ?? [];
  return tags.includes(etag.replace(/^W\//, ''));
}

const IMF_FIXDATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
/** Obsolete, but to be read (§5.6.7). */
const RFC_850 = /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT$/;
const ASCTIME = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}:\d{2}:\d{2}) (\d{4})$/;

/** Undefined for anything else, which is then as if it had not been sent. */
export function parseHttpDate(text: string, now = new Date()): Date | undefined {
  if (IMF_FIXDATE.test(text)) return validDate(text);
  const old = RFC_850.exec(text);
  if (old) {
    const [, day, month, year = '', time] = old;
    const century = Math.floor(now.getUTCFullYear() / 100) * 100;
    const guess = century + Number(year);
    // More than fifty years ahead means the last century.
    return validDate(`${day} ${month} ${guess > now.getUTCFullYear() + 50 ? guess - 100 : guess} ${time} GMT`);
  }
  const [, month, day, time, year] = ASCTIME.exec(text) ?? [];
  return month === undefined ? undefined : validDate(`${day} ${month} ${year} ${time} GMT`);
}

function validDate(text: string): Date | undefined {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
