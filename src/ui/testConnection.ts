import * as vscode from 'vscode';
import { layers } from '../diagnostics/finding';
import { describeEndpoint } from '../ibkr/endpoint';
import { type PreflightReport, testTimeoutMs } from '../preflight/report';
import { commandIds } from './ids';
import { say } from './messages';
import { withCancellableProgress } from './progress';
import { layerWords, reportFinding, reportLines, verdict } from './report';
import type { Services } from './services';
import { factsOfReport } from './walkthroughFacts';
import type { ActionLink } from './statusBarView';

/** The layered pre-flight with progress, a verdict with actions, and the whole report in the log. */
export async function testConnection(services: Services): Promise<PreflightReport> {
  const { watch, gate } = services;
  const held = services.notifications.hold();
  let hasTold = false;
  try {
    const { configuration } = await watch.requireSetup();
    const connection = await watch.requireConnection();
    const { symbols, mode } = configuration;
    const params = {
      symbols,
      withData: true,
      timeoutMs: testTimeoutMs,
      ...(mode === undefined ? {} : { mode }),
    };
    const title = vscode.l10n.t('Testing {0}', describeEndpoint(configuration.endpoint));
    const report = await withCancellableProgress(services, title, (progress, signal) =>
      connection.test(
        params,
        (layer) => {
          progress(layerWords(layer, vscode.l10n), 100 / layers.length);
        },
        signal,
      ),
    );
    services.walkthrough.note(factsOfReport(report));
    gate.note(report.ok ? [] : report.findings, services.clock.now());
    services.render();
    logReport(services, report);
    sayVerdict(services, report);
    hasTold = !report.ok;
    return report;
  } finally {
    held.release(hasTold);
  }
}

/** Writes the whole report into the log. */
export function logReport({ log }: Services, report: PreflightReport): void {
  for (const line of reportLines(report)) {
    log.info(line);
  }
}

/** The next steps after a report that did not pass. */
export function failureActions(report: PreflightReport): readonly ActionLink[] {
  const guide = reportFinding(report)?.guide;
  return [
    {
      title: vscode.l10n.t('Open Guide'),
      command: commandIds.openGuide,
      arguments: guide === undefined ? [] : [guide],
    },
    { title: vscode.l10n.t('Show Report'), command: commandIds.showReport, arguments: [] },
    { title: vscode.l10n.t('Monitor Log'), command: commandIds.openMonitorLog, arguments: [] },
  ];
}

function sayVerdict(services: Services, report: PreflightReport): void {
  const text = verdict(report, vscode.l10n);
  if (report.ok) {
    const actions = [
      { title: vscode.l10n.t('Start Runner'), command: commandIds.startRunner, arguments: [] },
      { title: vscode.l10n.t('Show Report'), command: commandIds.showReport, arguments: [] },
    ];
    say('info', text, actions, services);
    return;
  }
  const kind = report.failedLayer === undefined ? 'warning' : 'error';
  say(kind, text, failureActions(report), services);
}
