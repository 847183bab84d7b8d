// Text that the page types into a field for the user.

/** Types a text at the caret, or instead of what stands between an index and the caret. The user can undo it. */
export function typeText(
  field: HTMLTextAreaElement | null,
  text: string,
  from = field?.selectionStart ?? 0,
): void {
  field?.focus();
  field?.setSelectionRange(from, field.selectionEnd);
  document.execCommand("insertText", false, text);
}
