import { DecryptCommand, EncryptCommand, type KMSClient } from '@aws-sdk/client-kms';
import { DomainError } from '../../../core/errors.ts';
import { asDomainError } from '../store/errors.ts';

/** Keeps a chosen password until Cognito takes it: Cognito takes no hashes, so it is sealed instead. */
export interface PasswordVault {
  /** Text that only `open` for the same tenant turns back. */
  seal(tenantId: string, password: string): Promise<string>;
  /** Throws CORRUPT for text that was sealed for another tenant, or by another key. */
  open(tenantId: string, sealed: string): Promise<string>;
}

/** A vault over a symmetric key of KMS; the tenant is part of what is sealed, and of the key's log. */
export function openPasswordVault(kms: KMSClient, keyId: string): PasswordVault {
  return {
    async seal(tenantId, password) {
      const input = { KeyId: keyId, Plaintext: Buffer.from(password), EncryptionContext: { tenantId } };
      const { CiphertextBlob } = await kms.send(new EncryptCommand(input)).catch(fail);
      return Buffer.from(CiphertextBlob ?? []).toString('base64');
    },
    async open(tenantId, sealed) {
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
    throw new DomainError('CORRUPT', 'a staged password cannot be opened', { cause: error });
  }
  throw asDomainError('KMS', error);
}
