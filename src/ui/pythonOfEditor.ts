import * as vscode from 'vscode';

/** The part of the Python extension's API that tells its choice (its public facade, 1.0.x). */
interface PythonApi {
  readonly environments: {
    getActiveEnvironmentPath(resource: vscode.Uri): { readonly path: string };
  };
}

/**
 * The interpreter, or its environment's folder, that the Python extension uses for this folder.
 * Undefined where it is not installed, chooses none, or answers otherwise than it is known to.
 */
export async function pythonOfEditor(folder: vscode.Uri): Promise<string | undefined> {
  const extension = vscode.extensions.getExtension<unknown>('ms-python.python');
  try {
    const api = await extension?.activate();
    const chosen = isPythonApi(api)
      ? api.environments.getActiveEnvironmentPath(folder).path
      : undefined;
    // Before anything was chosen it is the bare command.
    return typeof chosen === 'string' && /[\\/]/.test(chosen) ? chosen : undefined;
  } catch {
    // Another extension's failure must not keep the runner from starting.
    return undefined;
  }
}

function isPythonApi(api: unknown): api is PythonApi {
  return (
    typeof api === 'object' &&
    api !== null &&
    'environments' in api &&
    typeof api.environments === 'object' &&
    api.environments !== null &&
    'getActiveEnvironmentPath' in api.environments &&
    typeof api.environments.getActiveEnvironmentPath === 'function'
  );
}
