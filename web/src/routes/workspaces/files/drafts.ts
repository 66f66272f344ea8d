// Edits that were not saved: leaving the page and coming back finds them, as long as the app runs.

export interface EditDraft {
  text: string;
  /** The version that was being edited. */
  etag: string | undefined;
}

const drafts = new Map<string, EditDraft>();
const key = (workspace: string, path: string): string => `${workspace} ${path}`;

export function draftOf(workspace: string, path: string): EditDraft | undefined {
  return drafts.get(key(workspace, path));
}

/** `undefined` drops it. */
export function keepDraft(workspace: string, path: string, draft: EditDraft | undefined): void {
  if (draft) drafts.set(key(workspace, path), draft);
  else drafts.delete(key(workspace, path));
}
