import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { createOperation } from '../../../core/http/operation.ts';

const operation = createOperation<{ readonly who: string }>(({ path }) => ({
  ...(path.includes('{') && { 404: { description: 'From the API.' } }),
  500: { description: 'From the API.' },
}));

const Note = z.object({ text: z.string(), author: z.string().optional() });
const common = { method: 'GET', access: { kind: 'public' }, summary: 'Gets' } as const;

test('an operation has the responses of its API, and its own descriptions take precedence', () => {
  const { responses } = operation({
    ...common,
    id: 'getNote',
    path: '/notes/{noteId}',
    responses: { 200: { description: 'The note.', body: Note }, 404: { description: 'No such note.' } },
    handle: ({ params, who }) => ({ status: 200, body: { text: params.noteId, author: who } }),
  });
  expect(Object.entries(responses).map(([status, { description }]) => `${status} ${description}`)).toEqual([
    '200 The note.',
    '404 No such note.',
    '500 From the API.',
  ]);
});

test('the compiler types path parameters by the path', () => {
  const one = operation({
    ...common,
    id: 'getPage',
    path: '/books/{bookId}/pages/{page}',
    responses: { 200: { description: 'The page.', body: Note } },
    handle({ params }) {
      const { bookId, page }: { bookId: string; page: string } = params;
      // @ts-expect-error the path has no such parameter
      const { chapter } = params;
      return { status: 200, body: { text: `${bookId} ${page} ${chapter}` } };
    },
  });
  expect(one.path).toBe('/books/{bookId}/pages/{page}');
});

test('the compiler refuses an undeclared status, and a body or a header that does not fit', () => {
  const responses = {
    200: { description: 'The note.', body: Note, headers: { etag: 'Its version.' } },
    204: { description: 'No note.' },
  } as const;
  const base = { ...common, path: '/note', responses };
  const headers = { etag: '"1"' };
  const body = { text: '' };
  const operations = [
    operation({ ...base, id: 'fits', handle: () => ({ status: 200, headers, body }) }),
    operation({ ...base, id: 'hasNoBody', handle: () => ({ status: 204 }) }),
    // @ts-expect-error 201 is not declared
    operation({ ...base, id: 'otherStatus', handle: () => ({ status: 201, headers, body }) }),
    // @ts-expect-error the text is a string
    operation({ ...base, id: 'otherBody', handle: () => ({ status: 200, headers, body: { text: 1 } }) }),
    // @ts-expect-error the header is missing
    operation({ ...base, id: 'noHeader', handle: () => ({ status: 200, body }) }),
    // @ts-expect-error 204 has no body
    operation({ ...base, id: 'extraBody', handle: () => ({ status: 204, body }) }),
  ];
  expect(operations).toHaveLength(6);
});
