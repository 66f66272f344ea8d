// The draft of the next workspace: it survives closing the dialog and changing pages, not a reload.
import { remember, remembered } from '../../data/stored';
import { emptyDraft, type Draft } from './draft';

const LAST_KEY = 'sam.workspace.repository';

class Drafts {
  current = $state<Draft>(emptyDraft(remembered(LAST_KEY) ?? ''));

  /** After a workspace was made: the next one is likely of the same repository. */
  used(): void {
    const repository = this.current.repository.trim();
    remember(LAST_KEY, repository || undefined);
    this.current = emptyDraft(repository);
  }

  clear(): void {
    this.current = emptyDraft('');
  }

  /** A secret is kept only while it is being typed. */
  forgetSecret(): void {
    this.current.password = '';
  }
}

export const drafts = new Drafts();
