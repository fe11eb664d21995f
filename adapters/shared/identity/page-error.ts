import { DomainError, type ErrorCode } from '../../../core/errors.ts';
import { errorPage } from '../../../web/pages/error.ts';
import type { PageFrame } from '../../../web/pages/layout.ts';

/** The statuses of errors that the client caused. All others are 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  INVALID: 400,
  FORBIDDEN: 400,
  NOT_FOUND: 404,
  CONFLICT: 409,
  CONDITION_FAILED: 409,
  TOO_LARGE: 413,
  TOO_MANY: 429,
  UNAVAILABLE: 503,
};

const NOT_FOUND = {
  title: 'Page not found',
  text: 'The address is not right. Go back to the page you came from and try again.',
};
const REFUSED = {
  title: 'This did not work',
  text: 'The address or the data sent to it is not right. Go back to the page you came from and try again.',
};
const FAILED = {
  title: 'Something went wrong',
  text: 'The error is on our side, and it is in the log. Please try again.',
};

/** The page while the store is unavailable, for example because the disk is full. */
export const UNAVAILABLE = {
  title: 'Not possible at the moment',
  text: 'A part of the platform is not available. Please try again in a few seconds.',
};

/** The status of an error that a page failed with, and the page that says so. It does not show the error's message. */
export function pageOfError(error: unknown, frame: PageFrame = {}): { readonly status: number; readonly html: string } {
  const status = (error instanceof DomainError && STATUS[error.code]) || 500;
  return { status, html: errorPage({ ...modelOf(status), ...frame }) };
}

function modelOf(status: number): Parameters<typeof errorPage>[0] {
  if (status === 404) return NOT_FOUND;
  if (status === 503) return UNAVAILABLE;
  return status >= 500 ? FAILED : REFUSED;
}
