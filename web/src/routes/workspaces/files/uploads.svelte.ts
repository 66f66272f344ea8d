import { writeFile } from '../../../api/files';
import { errorFromFailure, type ApiError } from '../../../api/errors';
import { toasts } from '../../../components/toasts.svelte';
import { text } from '../../../strings';
import { join } from './paths';

export class Upload {
  share = $state(0);
  state = $state<'waiting' | 'running' | 'done' | 'failed'>('waiting');
  error = $state.raw<ApiError>();

  constructor(
    readonly path: string,
    readonly file: File,
  ) {}
}

/** Files on their way into a workspace, one after the other: the node writes them one after the other too. */
export class UploadQueue {
  shown = $state.raw<Upload[]>([]);
  #running = false;
  #watched = true;
  readonly #workspace: string;
  readonly #changed: () => Promise<void>;

  /** `changed` shows the folder as it is after some arrived. */
  constructor(workspace: string, changed: () => Promise<void>) {
    this.#workspace = workspace;
    this.#changed = changed;
  }

  add(folder: string, files: readonly File[]): void {
    const added = files.map((file) => new Upload(join(folder, file.name), file));
    if (added.length === 0) return;
    this.shown = [...this.shown.filter((upload) => upload.state !== 'done'), ...added];
    void this.#run();
  }

  retry(upload: Upload): void {
    upload.state = 'waiting';
    void this.#run();
  }

  dismiss(upload: Upload): void {
    this.shown = this.shown.filter((each) => each !== upload);
  }

  /** Nobody looks any more; what is under way goes on. */
  leave(): void {
    this.#watched = false;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    let done = 0;
    for (let next = this.#next(); next; next = this.#next()) if (await this.#send(next)) done += 1;
    this.#running = false;
    this.shown = this.shown.filter((upload) => upload.state !== 'done');
    if (done === 0) return;
    toasts.say(text.files.uploaded(done));
    if (this.#watched) await this.#changed();
  }

  #next(): Upload | undefined {
    return this.shown.find((upload) => upload.state === 'waiting');
  }

  async #send(upload: Upload): Promise<boolean> {
    upload.state = 'running';
    upload.share = 0;
    try {
      const progress = (share: number): void => void (upload.share = share);
      await writeFile(this.#workspace, upload.path, upload.file, { progress });
      upload.state = 'done';
      return true;
    } catch (failure) {
      upload.error = errorFromFailure(failure);
      upload.state = 'failed';
      return false;
    }
  }
}
