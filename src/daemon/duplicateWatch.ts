import type { Clock, Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter } from '../core/emitter';
import { errorText } from '../core/errors';
import type { Finding } from '../diagnostics/finding';
import type { DuplicatesStatus } from '../diagnostics/status';
import type { ProcessInfo } from '../host/machine';
import { classifyProcess } from '../host/processRoles';
import { isInside } from '../host/program';
import { doubledRunners, duplicateFinding } from '../runner/duplicateFinding';
import type { ListedProcess } from '../runner/listedProcess';
import {
  type DuplicateSight,
  isUndecided,
  looked,
  confirmMs,
  nothingSeen,
} from './duplicateHysteresis';
import { listKnown, mayBeDoubled, type ProcessesDependencies } from './processes';

/**
 * Between two looks, in milliseconds. On Linux a look costs about 30 us a process and starts none;
 * on macOS it is two `ps` and one `lsof`; on Windows a PowerShell that computes for a second.
 */
const everyMs: Partial<Record<NodeJS.Platform, number>> = { linux: 30_000, darwin: 60_000 };
const slowestMs = 180_000;
/** Nobody works in as many folders at one endpoint; the oldest is forgotten. */
const maxWorkspaces = 20;

export interface DuplicateWatchDependencies extends ProcessesDependencies {
  readonly clock: Clock;
  /** Workspaces and commands of the runners that the daemon knows. */
  readonly runners: () => readonly Watched[];
  readonly onProblem: (why: string) => void;
}

/** A folder that is watched, and its runner's command, where that is known. */
export interface Watched {
  readonly workspace: string;
  readonly command: readonly string[];
}

/**
 * Looks every now and then whether a runner runs twice, and tells it once it stays so: in the
 * workspaces that runners were started in or that a window has asked about, and wherever known
 * runners work that are bound for this endpoint.
 */
export class DuplicateWatch implements Disposable {
  private readonly asked = new Map<string, readonly string[]>();
  private sights = new Map<string, DuplicateSight>();
  private readonly sinceMs = new Map<string, number>();
  private timer: Timer | undefined;
  private isDisposed = false;
  private present: readonly Finding[] = [];
  private readonly changeEmitter = new Emitter<void>();

  readonly onDidChange = this.changeEmitter.event;

  constructor(private readonly deps: DuplicateWatchDependencies) {}

  /** What is wrong now, one finding a workspace. */
  get findings(): readonly Finding[] {
    return this.present;
  }

  get status(): readonly DuplicatesStatus[] {
    return [...this.sights].flatMap(([workspace, { told }]) => {
      const runners = doubledRunners(told);
      const helpers = told.filter(({ role, isHelper }) => role === 'duplicate' && isHelper);
      return runners.length + helpers.length === 0
        ? []
        : [
            {
              workspace,
              runners: runners.map(({ pid }) => pid),
              helpers: helpers.map(({ pid }) => pid),
            },
          ];
    });
  }

  /** A window or a command line works in this folder. */
  note({ workspace, command }: Watched): void {
    this.asked.delete(workspace);
    this.asked.set(workspace, command);
    const [oldest] = this.asked.keys();
    if (this.asked.size > maxWorkspaces && oldest !== undefined) {
      this.asked.delete(oldest);
    }
  }

  /** Begins to look, at once and then again and again. */
  begin(): void {
    this.plan(0);
  }

  /** Duplicates were ended and are verified gone: what is no longer there is over now. */
  async ended(): Promise<void> {
    const listings = await this.listings();
    if (listings === undefined) {
      return;
    }
    for (const workspace of this.sights.keys()) {
      if (!isDoubled(listings.get(workspace) ?? [])) {
        this.sights.delete(workspace);
      }
    }
    this.tell();
  }

  dispose(): void {
    this.isDisposed = true;
    this.timer?.cancel();
    this.changeEmitter.dispose();
  }

  private plan(delayMs: number): void {
    this.timer = this.deps.clock.setTimer(delayMs, () => {
      this.look().catch((error: unknown) => {
        this.deps.onProblem(errorText(error));
        this.planNext();
      });
    });
  }

  private async look(): Promise<void> {
    const listings = await this.listings();
    if (listings !== undefined) {
      const nowMs = this.deps.clock.monotonicMs();
      const next = new Map<string, DuplicateSight>();
      for (const workspace of new Set([...listings.keys(), ...this.sights.keys()])) {
        const before = this.sights.get(workspace) ?? nothingSeen;
        const sight = looked(before, listings.get(workspace) ?? [], nowMs);
        if (sight.told.length > 0 || isUndecided(sight)) {
          next.set(workspace, sight);
        }
      }
      this.sights = next;
      this.tell();
    }
    this.planNext();
  }

  private planNext(): void {
    if (!this.isDisposed) {
      const isSoon = [...this.sights.values()].some(isUndecided);
      const usualMs = everyMs[this.deps.machine.platform] ?? slowestMs;
      this.plan(isSoon ? confirmMs : usualMs);
    }
  }

  /** Listings of the folders where something may run twice; undefined where nobody can tell. */
  private async listings(): Promise<ReadonlyMap<string, readonly ListedProcess[]> | undefined> {
    const table = await this.deps.machine.processes();
    if (!table.known) {
      return undefined;
    }
    const listings = new Map<string, readonly ListedProcess[]>();
    const known = this.known();
    for (const watched of known) {
      if (await mayBeDoubled(table.value, watched, this.deps)) {
        listings.set(watched.workspace, await listKnown(table.value, watched, this.deps));
      }
    }
    for (const watched of strangers(table.value, known)) {
      if (await mayBeDoubled(table.value, watched, this.deps)) {
        const listed = await listKnown(table.value, watched, this.deps);
        if (listed.some(({ role, isBoundHere }) => role === 'duplicate' && isBoundHere)) {
          listings.set(watched.workspace, listed);
        }
      }
    }
    return listings;
  }

  private known(): readonly Watched[] {
    const known = new Map([...this.asked]);
    for (const { workspace, command } of this.deps.runners()) {
      known.set(workspace, command);
    }
    return [...known].map(([workspace, command]) => ({ workspace, command }));
  }

  private tell(): void {
    const nowMs = this.deps.clock.now();
    for (const workspace of this.sinceMs.keys()) {
      if ((this.sights.get(workspace)?.told.length ?? 0) === 0) {
        this.sinceMs.delete(workspace);
      }
    }
    const findings = [...this.sights].flatMap(([workspace, { told }]) => {
      const sinceMs = this.sinceMs.get(workspace) ?? nowMs;
      const platform = this.deps.machine.platform;
      const finding = duplicateFinding(told, { workspace, sinceMs, nowMs, platform });
      if (finding === undefined) {
        return [];
      }
      this.sinceMs.set(workspace, sinceMs);
      return [finding];
    });
    const textOf = (list: readonly Finding[]): string =>
      JSON.stringify(list.map(({ message, causes, remedy }) => [message, causes, remedy]));
    const isNew = textOf(findings) !== textOf(this.present);
    this.present = findings;
    if (isNew) {
      this.changeEmitter.fire();
    }
  }
}

function isDoubled(listed: readonly ListedProcess[]): boolean {
  return listed.some(({ role }) => role === 'duplicate');
}

/** Folders in which runners work that are known by name, and nobody has named. */
function strangers(table: readonly ProcessInfo[], known: readonly Watched[]): readonly Watched[] {
  const folders = new Set<string>();
  for (const info of table) {
    const { workingDirectory: folder } = info;
    if (
      folder !== undefined &&
      !folders.has(folder) &&
      !known.some(({ workspace }) => isInside(folder, workspace)) &&
      classifyProcess(info).kind === 'runner'
    ) {
      folders.add(folder);
    }
  }
  return [...folders].slice(0, maxWorkspaces).map((workspace) => ({ workspace, command: [] }));
}
