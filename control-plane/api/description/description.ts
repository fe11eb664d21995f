import type { OpenApi } from '../../../core/http/openapi-document.ts';
import { docsPage } from '../../../web/pages/api-docs.ts';
import { type Access, type Route, route } from '../http/route.ts';
import { openApiOf } from './openapi.ts';

const PUBLIC: Access = { kind: 'public' };
const DEFAULT_BASE_PATH = '/control-plane';

/** The API's description, as JSON and as a page, of `routes`. */
export function describedRoutes(routes: readonly Route[]): readonly Route[] {
  const descriptions = new Map<string, OpenApi>();
  const describe = (basePath = DEFAULT_BASE_PATH): OpenApi => {
    const known = descriptions.get(basePath) ?? openApiOf(routes, basePath);
    descriptions.set(basePath, known);
    return known;
  };
  return [
    route({
      method: 'GET',
      path: '/openapi.json',
      access: PUBLIC,
      tag: 'Description',
      summary: 'This API as OpenAPI 3.1',
      answer: { status: 200, description: 'The description.' },
      handle: (_call, { basePath }) => ({ status: 200, body: describe(basePath) }),
    }),
    route({
      method: 'GET',
      path: '/docs',
      access: PUBLIC,
      tag: 'Description',
      summary: 'This API as a page to browse and try',
      answer: { status: 200, description: 'HTML.' },
      handle({ request }, { basePath, docsPage: home }) {
        const surroundings = home && {
          startPage: home.startPage,
          tokenCommand: home.tokenCommand(request.headers),
        };
        const { html, contentSecurityPolicy } = docsPage(describe(basePath), surroundings);
        const headers = {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': contentSecurityPolicy,
        };
        return { status: 200, headers, body: html };
      },
    }),
  ];
}
