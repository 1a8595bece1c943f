export interface SmsMessage {
  /** E.164, for example +8613900000000. */
  phone: string;
  text: string;
}

/** Sends one short message, or throws Problem `sms-not-sent`. */
export interface SmsGateway {
  /** Simulators say so, and production refuses them. */
  readonly simulator: boolean;
  send(message: SmsMessage): Promise<void>;
}
