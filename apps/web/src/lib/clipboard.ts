/**
 * Copies a text and says whether it succeeded. Browsers offer their clipboard only on secure addresses and may refuse it there too; then
 * the text is copied from a selected field, as before that API existed. `near` is the element that asked for it: within a dialog the focus
 * must not leave the dialog.
 */
export async function copyText(text: string, near: Element): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text, near.closest('[role=dialog]') ?? document.body);
  }
}

function copySelected(text: string, place: Element): boolean {
  const before = document.activeElement;
  const field = document.createElement('textarea');
  field.value = text;
  field.readOnly = true;
  field.ariaHidden = 'true';
  Object.assign(field.style, { position: 'fixed', top: '0', opacity: '0' });
  place.append(field);
  field.focus({ preventScroll: true });
  field.select();
  try {
    return document.execCommand('copy');
  } catch {
    return false;
  } finally {
    field.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  }
}
