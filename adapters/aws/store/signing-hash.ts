import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

type Secret = string | ArrayBuffer | ArrayBufferView;

/**
 * The SHA-256 of one signer: a hash, or an HMAC if it is constructed with a secret. The SDK's own takes twice as long, because
 * it makes a key object of the same secrets for each request.
 */
export function signingHash() {
  /** Of the signer's credentials, whose secret changes once an hour. */
  let ofText: { readonly text: string; readonly key: KeyObject } | undefined;
  const ofBytes = new WeakMap<object, KeyObject>();

  function keyOf(secret: Secret): KeyObject {
    if (typeof secret === 'string') {
      if (ofText?.text !== secret) ofText = { text: secret, key: createSecretKey(secret, 'utf8') };
      return ofText.key;
    }
    const known = ofBytes.get(secret);
    if (known) return known;
    const key = createSecretKey(bytesOf(secret));
    ofBytes.set(secret, key);
    return key;
  }

  return class SigningHash {
    readonly #secret: Secret | undefined;
    #data: Uint8Array = new Uint8Array();

    constructor(secret?: Secret) {
      this.#secret = secret;
    }

    update(data: Uint8Array): void {
      this.#data = this.#data.length === 0 ? data : Buffer.concat([this.#data, data]);
    }

    async digest(): Promise<Uint8Array> {
      if (this.#secret === undefined) return hash('sha256', this.#data, 'buffer');
      return createHmac('sha256', keyOf(this.#secret)).update(this.#data).digest();
    }

    reset(): void {
      this.#data = new Uint8Array();
    }
  };
}

function bytesOf(secret: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(secret)
    ? new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength)
    : new Uint8Array(secret);
}
