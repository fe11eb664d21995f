import { DecryptCommand, EncryptCommand, type KMSClient } from '@aws-sdk/client-kms';
import { DomainError } from '../../../core/errors.ts';
import { asDomainError } from '../store/errors.ts';

/** A password, encrypted for one tenant. */
export interface SealedPassword {
  /** Ciphertext of KMS in base64. */
  readonly sealed: string;
}

/** Encrypts a chosen password until Cognito takes it, since Cognito does not take hashes. */
export interface PasswordVault {
  seal(tenantId: string, password: string): Promise<SealedPassword>;
  /** Throws CORRUPT for a password that was sealed for another tenant or by another key. */
  open(tenantId: string, sealed: SealedPassword): Promise<string>;
}

/** A vault over a symmetric KMS key. The tenant id is the encryption context, and so appears in the key's audit log. */
export function openPasswordVault(kms: KMSClient, keyId: string): PasswordVault {
  return {
    async seal(tenantId, password) {
      const input = { KeyId: keyId, Plaintext: Buffer.from(password), EncryptionContext: { tenantId } };
      const { CiphertextBlob } = await kms.send(new EncryptCommand(input)).catch(fail);
      return { sealed: Buffer.from(CiphertextBlob ?? []).toString('base64') };
    },

    async open(tenantId, { sealed }) {
      const input = {
        KeyId: keyId,
        CiphertextBlob: Buffer.from(sealed, 'base64'),
        EncryptionContext: { tenantId },
      };
      const { Plaintext } = await kms.send(new DecryptCommand(input)).catch(fail);
      return Buffer.from(Plaintext ?? []).toString();
    },
  };
}

function fail(error: unknown): never {
  const name = error instanceof Error ? error.name : '';
  if (name === 'InvalidCiphertextException' || name === 'IncorrectKeyException') {
    throw new DomainError('CORRUPT', 'the staged password cannot be decrypted', { cause: error });
  }
  throw asDomainError('KMS', error);
}
