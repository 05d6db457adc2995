import type * as vscode from 'vscode';

/** What is run in a folder, as its trader has chosen. */
export interface RunnerChoice {
  /** Id of the preset. */
  readonly id: string;
  /** As the preset had it then, with placeholders: enough to recognise the runner by. */
  readonly command: readonly string[];
}

/** The choices of this workspace's folders; remembered until another one is made. */
export class RunnerChoices {
  constructor(private readonly memory: vscode.Memento) {}

  get(folder: string): RunnerChoice | undefined {
    const value = this.memory.get<unknown>(key(folder));
    return isChoice(value) ? value : undefined;
  }

  async set(folder: string, { id, command }: RunnerChoice): Promise<void> {
    await this.memory.update(key(folder), { id, command });
  }
}

function key(folder: string): string {
  return `robo.runner/${folder}`;
}

function isChoice(value: unknown): value is RunnerChoice {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'string' &&
    'command' in value &&
    Array.isArray(value.command) &&
    value.command.every((word) => typeof word === 'string')
  );
}
