import { expect, test } from '@jest/globals';
import { escapeHtml } from '../../../core/encoding/html.ts';

test.each([
  [`<a href="x" title='y'>&amp;</a>`, '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;'],
  ['Müller & Söhne', 'Müller &amp; Söhne'],
  ['plain', 'plain'],
  ['', ''],
])('%j is %j in an element or an attribute', (text, escaped) => {
  expect(escapeHtml(text)).toBe(escaped);
});
