import { type Observed, known, unknown } from '../../src/core/observed';
import type { RunTool, ToolCall, ToolOutput } from '../../src/host/tool';

/** What a system's tools print, by a part of their command line; whatever is not named is missing. */
export class FakeTools {
  readonly calls: ToolCall[] = [];
  private readonly answers: { readonly words: string; readonly answer: Observed<ToolOutput> }[] =
    [];

  /** @param words a part of `file arguments`; the first answer that fits is given */
  prints(words: string, stdout: string, exitCode = 0, stderr = ''): this {
    this.answers.push({ words, answer: known({ exitCode, stdout, stderr }) });
    return this;
  }

  fails(words: string, why: string): this {
    this.answers.push({ words, answer: unknown(why) });
    return this;
  }

  /** How often a tool with these words was run. */
  count(words: string): number {
    return this.calls.filter((call) => commandLine(call).includes(words)).length;
  }

  readonly run: RunTool = (call) => {
    this.calls.push(call);
    const found = this.answers.find(({ words }) => commandLine(call).includes(words));
    return Promise.resolve(found?.answer ?? unknown(`${call.file} is not on this machine`));
  };
}

function commandLine(call: ToolCall): string {
  return [call.file, ...call.args].join(' ');
}
