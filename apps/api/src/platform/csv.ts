/**
 * A line by RFC 4180 in which spreadsheets find no formula. A spreadsheet takes `=`, `+`, `-` and `@` as the beginning of a formula, also
 * after white space. It may split a line at `;`, `,` or tabs, whichever its language uses, and then ignores quotes in the middle of a cell,
 * so that every place after a separator or a quote counts as the beginning of a cell (OWASP, CSV injection). There a text gets an
 * apostrophe, and a JSON string (in a column of `jsonColumns`) an escape, which leaves its value as it is.
 */
export function csvLine(fields: readonly (string | null)[], columns: readonly string[], jsonColumns: ReadonlySet<string>): string {
  const cells = fields.map((field, index) => {
    if (field === null) return '';
    const text = jsonColumns.has(columns[index] ?? '') ? escapeInJson(field) : escapeInText(field);
    return /[";,\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${cells.join(',')}\r\n`;
}

const separators = new Set([';', ',', '|', '\t', '\r', '\n', '"', "'"]);
/** With their full-width forms, which some spreadsheets take for the same. */
const formulaStarts = new Set(['=', '+', '-', '@', '\uff1d', '\uff0b', '\uff0d', '\uff20']);
/** White space, and characters without a width, which spreadsheets skip. */
const blank = /[\s\u200b\ufeff]/;

function escapeInText(text: string): string {
  // Negative numbers begin with a minus and are not formulas.
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return text;
  const escaped = escapeStarts(text, (character) => `'${character}`);
  // Some spreadsheets run a cell that begins with one of these as a formula.
  return /^[\t\r\n]/.test(escaped) ? `'${escaped}` : escaped;
}

function escapeInJson(json: string): string {
  let isInString = false;
  let isEscaped = false;
  return escapeStarts(
    json,
    // Outside of strings only numbers begin with a minus.
    (character) => (isInString ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : character),
    (character) => {
      if (character === '"' && !isEscaped) isInString = !isInString;
      isEscaped = isInString && character === '\\' && !isEscaped;
    },
  );
}

/** Replaces each character that begins a formula where a cell may begin. It reads the text once, because senders decide how long it is. */
function escapeStarts(text: string, toEscape: (character: string) => string, read: (character: string) => void = () => {}): string {
  let [escaped, copied, isStart] = ['', 0, true];
  for (let index = 0; index < text.length; index++) {
    const character = text[index] as string;
    read(character);
    if (separators.has(character)) isStart = true;
    else if (isStart && !blank.test(character)) {
      isStart = false;
      if (!formulaStarts.has(character)) continue;
      escaped += text.slice(copied, index) + toEscape(character);
      copied = index + 1;
    }
  }
  return escaped + text.slice(copied);
}
