/** Variables that an editor sets for its own processes and that would change what a child does. */
const editorVariables = new Set(['ELECTRON_RUN_AS_NODE', 'NODE_OPTIONS']);

/** The variable that every process of a run inherits, and by which they are known again. */
export const runVariable = 'ROBO_RUN';

/** An environment without the editor's own variables, and without the mark of another run. */
export function withoutEditorVariables(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept = Object.entries(environment).flatMap(([name, value]) => {
    // Windows does not tell upper from lower case in these names.
    const upper = name.toUpperCase();
    const isForeign =
      editorVariables.has(upper) || upper.startsWith('VSCODE_') || upper === runVariable;
    return isForeign || value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(kept);
}

/**
 * The environment of a runner: the request's, without the editor's own variables, and with
 * Python's output unbuffered, so that a line is in the log when it is printed.
 */
export function runnerEnvironment(
  requested: Readonly<Record<string, string>>,
): Record<string, string> {
  return { ...withoutEditorVariables(requested), PYTHONUNBUFFERED: '1' };
}
