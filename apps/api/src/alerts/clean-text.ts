// Texts that people typed, as they may stand in a mail: a mail from this server must not become the writer's own.

/** Control characters, line breaks, invisible characters, and those that change the direction of a text. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]+/gu;

/** One line of at most `max` characters. */
export function cleanLine(text: string, max: number): string {
  const line = [...text.replace(invisible, ' ').replace(/\s+/g, ' ').trim()];
  return line.length > max ? `${line.slice(0, max - 1).join('')}…` : line.join('');
}

/** Takes the schemes off addresses and breaks up host names, so that no program for mail turns them into links: `evil[.]example`. */
export function withoutLinks(text: string): string {
  return text
    .replace(/\b[a-z][a-z0-9+.-]*:\/\//gi, '')
    .replace(/(?<=[\p{L}\p{N}_-])[.\u3002\uff0e\uff61](?=[\p{L}\p{N}-]*\p{L}{2})/gu, '[.]');
}

/** The name of an org for people who do not know the org yet: letters, digits and a few signs, so that it cannot carry a message of its own. */
export function orgLabel(name: string): string {
  return cleanLine(name.replace(/[^\p{L}\p{M}\p{N} &'()+,_-]+/gu, ' '), 60);
}
