// A real `sam-host` on a data directory of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = new URL('../../..', import.meta.url).pathname;
// The first start compiles the components to machine code; later starts find them here.
const CACHE_DIR = join(ROOT, 'target/test-artifact-cache');
const START_MS = 120_000;
const STOP_MS = 15_000;

function binary(): string {
  const named = process.env['SAM_HOST_BIN'];
  if (!named)
    throw new Error('SAM_HOST_BIN is not set: run `cargo xtask test`, which builds the host and names it');
  return named;
}

/** Ours without `SAM_*`: the host refuses settings it does not know, and the tests want its defaults. */
function outsideEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SAM_')));
}

/** The agent with its supervisor, as `cargo xtask test` staged it. */
function agent(): string {
  const named = process.env['SAM_AGENT_BIN'];
  if (!named)
    throw new Error('SAM_AGENT_BIN is not set: run `cargo xtask test`, which builds the agent and names it');
  return named;
}

export class SamHost {
  origin = '';
  /** The one-time link of the newest start. */
  loginLink = '';
  #process: ChildProcess | undefined;
  #log: string[] = [];
  readonly #node: boolean;
  readonly #dataDir = mkdtempSync(join(tmpdir(), 'sam-e2e-'));

  /** With `node`, this machine joins as a node, by its own agent. */
  constructor({ node = false } = {}) {
    this.#node = node;
  }

  /** Where the host keeps everything. */
  get dataDir(): string {
    return this.#dataDir;
  }

  /** Starts, or starts again after `kill`: on the same data, and on the same address as before. */
  async start(): Promise<void> {
    const listen = this.origin === '' ? '127.0.0.1:0' : new URL(this.origin).host;
    const flags = [
      '--no-open',
      '--manifest',
      'spin.toml',
      '--admin-listen',
      '127.0.0.1:0',
      '--cache-dir',
      CACHE_DIR,
      ...(this.#node ? ['--agent-bin', agent()] : ['--no-local-node']),
    ];
    const child = spawn(binary(), ['up', '--listen', listen, '--data-dir', this.#dataDir, ...flags], {
      cwd: ROOT,
      env: outsideEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log.push(text);
      this.#log.splice(0, this.#log.length - 200);
    });
    const lines = createInterface({ input: child.stdout });
    const found = new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        if (line.startsWith('ready: ')) this.origin = line.slice('ready: '.length).trim().replace(/\/$/, '');
        if (line.startsWith('login: ')) this.loginLink = line.slice('login: '.length).trim();
        if (this.origin !== '' && line.startsWith('login: ')) resolve();
      });
      child.once('error', reject);
      child.once('exit', (code) =>
        reject(new Error(`sam-host ended with ${code} before it was ready:\n${this.log}`)),
      );
      setTimeout(
        () => reject(new Error(`sam-host was not ready after ${START_MS} ms:\n${this.log}`)),
        START_MS,
      ).unref();
    });
    await found;
  }

  /** Process ids of the programs that the host itself has started, by the name of their file. */
  children(name: string): number[] {
    const parent = this.#process?.pid;
    if (parent === undefined) return [];
    const started = readdirSync(`/proc/${parent}/task`).flatMap((task) =>
      readFileSync(`/proc/${parent}/task/${task}/children`, 'utf8').trim().split(' '),
    );
    return started
      .filter((pid) => pid !== '' && readlinkSync(`/proc/${pid}/exe`).includes(name))
      .map((pid) => Number(pid));
  }

  /** What the host wrote to standard error lately. */
  get log(): string {
    return this.#log.join('');
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends it politely and removes its data. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(impatience);
  }
}
