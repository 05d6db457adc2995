/** Variables that an editor sets for its own processes and that would change what a child does. */
const editorVariables = new Set(['ELECTRON_RUN_AS_NODE', 'NODE_OPTIONS']);

/** An environment without the editor's own variables. */
export function withoutEditorVariables(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept = Object.entries(environment).flatMap(([name, value]) => {
    // Windows does not tell upper from lower case in these names.
    const upper = name.toUpperCase();
    const isEditors = editorVariables.has(upper) || upper.startsWith('VSCODE_');
    return isEditors || value === undefined ? [] : [[name, value] as const];
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
