import { readFileSync, writeFileSync } from 'node:fs';

/** A Markdown table: the first column is aligned to the left, all others to the right. */
export function markdownTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** Replaces the figures that `command` wrote into the document earlier. Throws when the document has no marks for this command. */
export function replaceFigures(file: string, command: string, figures: string): void {
  const begin = `<!-- figures: ${command} -- --docs -->\n`;
  const end = '<!-- end of figures -->';
  const [before, rest] = readFileSync(file, 'utf8').split(begin);
  const at = rest?.indexOf(end) ?? -1;
  if (before === undefined || rest === undefined || at === -1) throw new Error(`${file} has no marks for the figures of ${command}`);
  writeFileSync(file, `${before}${begin}${figures}\n\n${rest.slice(at)}`);
}
