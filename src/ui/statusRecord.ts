import type { StatusRecord } from '../diagnostics/status';

/** Reads `ibkr_monitor_status.json`; undefined for what is no record of schema 1. */
export function parseStatusRecord(text: string): StatusRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isStatusRecord(value) ? value : undefined;
}

/** Checks what this room reads of a record; the file is ours, but another version may have written it. */
function isStatusRecord(value: unknown): value is StatusRecord {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const record = value as Partial<Record<keyof StatusRecord, unknown>>;
  return (
    record.schema === 1 &&
    typeof record.timestamp === 'string' &&
    typeof record.health === 'string' &&
    typeof record.session === 'object' &&
    record.session !== null &&
    Array.isArray(record.findings) &&
    Array.isArray(record.runner)
  );
}
