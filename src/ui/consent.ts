import type * as vscode from 'vscode';
import { type Endpoint, formatEndpoint } from '../ibkr/endpoint';

type Answer = 'watch' | 'asked';

/** Which endpoints this workspace may watch; remembered until it is taken back. */
export class Consents {
  constructor(private readonly memory: vscode.Memento) {}

  isGranted(endpoint: Endpoint): boolean {
    return this.read(endpoint) === 'watch';
  }

  /** True once the question was put, whatever the answer was. */
  wasAsked(endpoint: Endpoint): boolean {
    return this.read(endpoint) !== undefined;
  }

  async grant(endpoint: Endpoint): Promise<void> {
    await this.memory.update(key(endpoint), 'watch');
  }

  /** Also takes a consent back; the question is not put again by itself. */
  async rememberAsked(endpoint: Endpoint): Promise<void> {
    await this.memory.update(key(endpoint), 'asked');
  }

  private read(endpoint: Endpoint): Answer | undefined {
    const value = this.memory.get<unknown>(key(endpoint));
    return value === 'watch' || value === 'asked' ? value : undefined;
  }
}

function key(endpoint: Endpoint): string {
  return `robo.consent/${formatEndpoint(endpoint)}`;
}
