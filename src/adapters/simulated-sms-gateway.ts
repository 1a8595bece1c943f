import type { Clock } from '#ports/clock.ts';
import type { SmsGateway, SmsMessage } from '#ports/sms-gateway.ts';

export interface SimulatedSmsGateway extends SmsGateway {
  readonly simulator: true;
  /** What was "sent", newest first. */
  messages(): readonly (SmsMessage & { at: Date })[];
}

/** A simulator: no message leaves the house; the demo shows the newest on a page. Keeps `keep` messages, then forgets the oldest. */
export function simulatedSmsGateway(options: { clock?: Clock; keep?: number } = {}): SimulatedSmsGateway {
  const { clock = { now: () => new Date() }, keep = 100 } = options;
  let kept: (SmsMessage & { at: Date })[] = [];
  return {
    simulator: true,
    async send({ phone, text }) {
      kept = [{ phone, text, at: clock.now() }, ...kept].slice(0, keep);
    },
    messages: () => kept,
  };
}
