import type { OpenApi } from '../../core/http/openapi-document.ts';
import { apiDocsPage } from '../../web/pages/api-docs.ts';
import type { DocsPage } from '../api/http/deps.ts';

/** The page that documents the API. It is a separate module, because `api.ts` imports it on demand; see infra/control-plane-functions.ts. */
export function docsPage(api: OpenApi): DocsPage {
  return apiDocsPage(api);
}
