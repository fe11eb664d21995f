/** A Markdown table. Cells may hold Markdown; `|` and line breaks in them are escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`);
  return lines.join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').trim();
}

/** Code, or a dash where there is none. */
export function code(text: string | undefined): string {
  return text === undefined || text === '' ? '-' : `\`${text}\``;
}

/**
 * Replaces what stands between `<!-- generated: NAME -->` and the next `<!-- end -->`.
 * Throws if the page names a section that is not in `sections`, or lacks one of them.
 */
export function withSections(page: string, sections: ReadonlyMap<string, string>): string {
  const missing = new Set(sections.keys());
  const result = page.replaceAll(/(<!-- generated: (\S+) -->\n)[\s\S]*?(<!-- end -->)/g, (_all, begin, name, end) => {
    const text = sections.get(name);
    if (text === undefined) throw new Error(`no section '${name}' is generated; the page must not contain it`);
    missing.delete(name);
    return `${begin}\n${text}\n\n${end}`;
  });
  if (missing.size > 0) throw new Error(`the page must have the generated sections ${[...missing].join(', ')}`);
  return result;
}
