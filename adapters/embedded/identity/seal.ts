import { createHmac } from 'node:crypto';
import { isSameText } from '../../shared/identity/is-same-text.ts';

/** Signs texts that leave the platform and come back: in forms, tickets and cookies. Each kind begins with its own word. */
export interface Seal {
  /** HMAC-SHA-256, base64url. */
  sign(text: string): string;
  verify(text: string, mac: string): boolean;
}

export function createSeal(key: Uint8Array): Seal {
  const sign = (text: string): string => createHmac('sha256', key).update(text).digest('base64url');
  return { sign, verify: (text, mac) => isSameText(mac, sign(text)) };
}
