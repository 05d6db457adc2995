import { isoTime } from '../core/clock';
import { describeDuration, shorten } from '../diagnostics/notices';
import type { Evidence, Finding, Severity } from '../diagnostics/finding';
import { makeFinding } from '../diagnostics/makeFinding';
import { recordsFinding } from '../diagnostics/recordsFinding';
import type { ExitEvidence } from '../diagnostics/status';
import { fallsOfLoop, windowMs } from './crashLoop';
import { exitCauses } from './exitCauses';
import type { RunnerKnowledge } from './runnerKnowledge';
import { saysFindings, saysWork } from './says';
import { type WorkDue, workDue } from './standstill';

/** A runner that has ended. */
export type Exited = Extract<RunnerKnowledge['phase'], { name: 'exited' }>;

/** What is wrong with a runner: its end, its standstill, its files, and what it says itself. */
export function runnerFindings(
  known: RunnerKnowledge,
  exit: ExitEvidence | null,
): readonly Finding[] {
  const { phase } = known;
  if (phase.name === 'failed') {
    return [phase.finding];
  }
  // What a runner said before it was stopped is history; before it fell, it is the reason.
  const spoken =
    exit?.how === 'asked'
      ? []
      : saysFindings(known.says, setupOf(known), known.market).map((finding) =>
          named(finding, known),
        );
  const ended =
    phase.name === 'exited' && exit !== null && exit.how !== 'asked'
      ? endFindings(known, phase, exit, spoken)
      : [];
  const [end] = ended;
  const isTold = (finding: Finding): boolean => end !== undefined && isReasonOf(finding, end, exit);
  const standstill = phase.name === 'running' ? standstillFinding(known, spoken) : undefined;
  return [
    ...ended,
    ...(standstill === undefined ? [] : [standstill]),
    ...(phase.name === 'running' ? olderFindings(known) : []),
    ...(known.recordsProblem === null
      ? []
      : [
          recordsFinding(known.recordsProblem, subjectOf(known), {
            nowMs: known.now,
            setup: setupOf(known),
          }),
        ]),
    ...spoken.filter((finding) => !isTold(finding)),
  ];
}

function subjectOf({ workspace }: RunnerKnowledge): Finding['subject'] {
  return { kind: 'runner', name: workspace };
}

/** Its own words and what is seen of it are about one subject: one incident, not two. */
function named(finding: Finding, known: RunnerKnowledge): Finding {
  const isOfThis = finding.subject.kind === 'runner' && finding.subject.name === undefined;
  return isOfThis ? { ...finding, subject: subjectOf(known) } : finding;
}

function setupOf({ platform }: RunnerKnowledge): { readonly platform: NodeJS.Platform } {
  return { platform };
}

/** How it ended; again and again, where that is so: then the end itself only if it says why. */
function endFindings(
  known: RunnerKnowledge,
  phase: Exited,
  exit: ExitEvidence,
  spoken: readonly Finding[],
): readonly Finding[] {
  const end = exitFinding(known, phase, exit, spoken);
  const isLoop = exit.how === 'by itself' && known.falls.length >= fallsOfLoop;
  if (!isLoop) {
    return [end];
  }
  const loop = loopFinding(known, exit, end);
  return end.guide === 'runner_exited' ? [loop] : [end, loop];
}

/** What its end points to, by the catalogue. */
export function causesOfEnd(
  { run: { command } }: RunnerKnowledge,
  { process }: Exited,
  exit: Pick<ExitEvidence, 'at' | 'code' | 'signal' | 'lastLines'>,
): ReturnType<typeof exitCauses> {
  return exitCauses({
    exit,
    // As asked for: what the system showed first may be a wrapper's (a shim of pyenv is a script).
    argv: command.length > 0 ? command : process.argv,
    isBuiltIn: command.length === 0,
    livedMs: Date.parse(exit.at) - process.startedAtMs,
  });
}

function exitFinding(
  known: RunnerKnowledge,
  phase: Exited,
  exit: ExitEvidence,
  spoken: readonly Finding[],
): Finding {
  const { causes, meaning } = causesOfEnd(known, phase, exit);
  const { process } = phase;
  const finding = makeFinding({
    subject: subjectOf(known),
    causes,
    message: `${known.isExternal === true ? outOfSight(process.pid) : howItEnded(exit, meaning)} ${lastWords(exit)}`,
    nowMs: Date.parse(exit.at),
    severity: known.isExternal === true ? externalSeverity(known) : severityOf(exit),
    evidence: exit.lastLines.slice(-3).map((text) => exitEvidence(exit, text)),
    setup: setupOf(known),
  });
  const source = spoken.find(
    (each) => isReasonOf(each, finding, exit) && each.source !== undefined,
  );
  return source?.source === undefined ? finding : { ...finding, source: source.source };
}

/** True for what the runner said about the same end: one incident, one finding. */
function isReasonOf(spoken: Finding, end: Finding, exit: ExitEvidence | null): boolean {
  const isOfRunner = spoken.subject.kind === 'runner' || spoken.subject.kind === 'process';
  const isSame = spoken.guide === end.guide;
  const isVague =
    spoken.guide === 'runner_error' &&
    (end.guide !== 'runner_exited' || isLastWord(spoken, exit?.lastLines.at(-1)));
  // A library that is missing from the environment is both.
  const isEnvironment = end.guide === 'wrong_interpreter' && spoken.guide === 'client_lib_mismatch';
  return isOfRunner && (isSame || isVague || isEnvironment);
}

/** An error that it got over long before is another matter. */
function isLastWord({ evidence }: Finding, lastLine: string | undefined): boolean {
  return evidence.some(({ text }) => lastLine?.includes(text) === true);
}

/** Nobody tells us how a process ends that we have not started. */
function outOfSight(pid: number): string {
  return `The runner that was started elsewhere (pid ${pid}) has ended; how cannot be seen.`;
}

/** Whoever asks to have it watched wants to hear of its end; at night it may be meant. */
function externalSeverity({ market }: RunnerKnowledge): Severity {
  return market.state === 'closed' ? 'warning' : 'error';
}

function howItEnded(exit: ExitEvidence, meaning: string | undefined): string {
  if (exit.how === 'unseen') {
    return 'The runner has ended while nobody watched; how is unknown.';
  }
  const why = meaning === undefined ? '.' : `: ${meaning}.`;
  return exit.signal === null
    ? `The runner has ended by itself with exit code ${exit.code ?? 'unknown'}${why}`
    : `The runner was ended by ${exit.signal}, which Robo did not send${why}`;
}

function lastWords({ lastLines }: ExitEvidence): string {
  const last = lastLines.at(-1);
  return last === undefined ? 'It printed nothing.' : `Its last line: ${last}`;
}

function severityOf(exit: ExitEvidence): Severity {
  return exit.how === 'unseen' ? 'warning' : exit.code === 0 ? 'info' : 'error';
}

function exitEvidence(exit: ExitEvidence, text: string): Evidence {
  return { kind: 'exit', source: 'runner.log', at: exit.at, text };
}

function loopFinding(known: RunnerKnowledge, exit: ExitEvidence, end: Finding): Finding {
  const { falls } = known;
  const first = falls[0]?.atMs ?? Date.parse(exit.at);
  const span = describeDuration(Date.parse(exit.at) - first);
  const why = `${falls.length} ends in ${span}, each soon after the start`;
  const finding = makeFinding({
    subject: subjectOf(known),
    causes: [{ id: 'runner_crash_loop', confidence: 0.95, why }],
    message: `The runner has ended ${falls.length} times within ${describeDuration(windowMs)}, each time soon after its start. The last time: ${end.message}`,
    nowMs: Date.parse(exit.at),
    evidence: [
      ...falls.slice(-5).map(({ atMs, how }): Evidence => ({
        kind: 'exit',
        source: 'the system',
        at: isoTime(atMs),
        text: how,
      })),
      ...end.evidence,
    ],
    setup: setupOf(known),
  });
  const { source } = end;
  return {
    ...finding,
    firstAt: isoTime(first),
    count: falls.length,
    ...(source === undefined ? {} : { source }),
  };
}

/**
 * Alive is not working (law 7): no cycle and no fetch came for longer than it announced or its
 * rhythm is, in trading hours. Stalled while it prints something, silent while it prints nothing.
 * A fault of its connection that it names itself explains the standstill already.
 */
function standstillFinding(
  known: RunnerKnowledge,
  spoken: readonly Finding[],
): Finding | undefined {
  const { says, now, lastLineMs, market, phase } = known;
  const startedAtMs = phase.name === 'running' ? phase.process.startedAtMs : now;
  const due = workDue(says, market);
  if (due === undefined || saysWork(says, now, market, startedAtMs) !== 'stalled') {
    return undefined;
  }
  const isExplained = spoken.some(
    ({ subject, guide }) => subject.kind === 'connection' || guide === 'runner_stalled',
  );
  const workedMs = Math.max(says.lastCycleMs ?? 0, says.lastProgressMs ?? 0);
  const lastMs = Math.max(says.lastWordMs ?? 0, lastLineMs ?? 0);
  // As long without a line as it may be without work: its log stands, too.
  const patienceMs = due.atMs - Math.max(workedMs, says.lastWordMs ?? 0);
  if (now - lastMs > Math.max(0, patienceMs)) {
    return standing(known, 'runner_silent', { lastMs, due });
  }
  return isExplained
    ? undefined
    : standing(known, 'runner_stalled', { lastMs: workedMs === 0 ? startedAtMs : workedMs, due });
}

interface Standing {
  /** When it last printed, or worked. */
  readonly lastMs: number;
  readonly due: WorkDue;
}

const basisWords: Readonly<Record<WorkDue['basis'], string>> = {
  said: 'longer than it announced',
  learned: 'longer than its cycles take',
  usual: 'longer than a runner takes for a cycle',
};

function standing(
  known: RunnerKnowledge,
  id: 'runner_silent' | 'runner_stalled',
  { lastMs, due }: Standing,
): Finding {
  const isSilent = id === 'runner_silent';
  const isOpen = known.market.state === 'open';
  const what = isSilent
    ? `It has printed nothing for ${describeDuration(known.now - lastMs)}`
    : standsHow(known, lastMs);
  const sentence = `${what}, ${basisWords[due.basis]}${isOpen ? ', while its market is open' : ''}`;
  const finding = makeFinding({
    subject: subjectOf(known),
    causes: [{ id, confidence: isSilent ? 0.9 : 0.8, why: sentence }],
    message: `The runner lives, but works no more. ${sentence}.`,
    nowMs: known.now,
    // One that has worked and prints nothing in trading hours does not trade.
    ...(isSilent && isOpen ? { severity: 'error' as const } : {}),
    evidence: standingEvidence(known, lastMs),
    setup: setupOf(known),
  });
  return { ...finding, firstAt: isoTime(lastMs) };
}

function standsHow({ says, now }: RunnerKnowledge, workedMs: number): string {
  const ago = describeDuration(now - workedMs);
  if (says.lastFetchMs === null || says.lastFetchMs <= workedMs) {
    return `It prints, but has finished no cycle and no fetch for ${ago}`;
  }
  return says.lastCycleMs === null
    ? 'It fetches the same symbols again, but has finished no cycle since its start'
    : `It fetches, but has finished no cycle for ${describeDuration(now - says.lastCycleMs)}`;
}

function standingEvidence(known: RunnerKnowledge, lastMs: number): readonly Evidence[] {
  const { says, lastLines, lastLineMs, market, now } = known;
  const last = lastLines.at(-1);
  const timing = (atMs: number, text: string, source = 'runner.log'): Evidence => ({
    kind: 'timing',
    source,
    at: isoTime(atMs),
    text,
  });
  return [
    ...(says.lastCycleMs === null ? [] : [timing(says.lastCycleMs, 'last finished cycle')]),
    ...(says.lastFetchMs === null ? [] : [timing(says.lastFetchMs, 'last successful fetch')]),
    ...(market.state === 'unknown' ? [] : [timing(now, market.words, 'market hours')]),
    ...(last === undefined
      ? []
      : [
          {
            kind: 'log',
            source: 'runner.log',
            at: isoTime(lastLineMs ?? lastMs),
            text: shorten(last),
          } as const,
        ]),
  ];
}

function olderFindings(known: RunnerKnowledge): readonly Finding[] {
  const { newerSource, phase } = known;
  if (newerSource === null || phase.name !== 'running') {
    return [];
  }
  const { file, modifiedAtMs } = newerSource;
  const started = isoTime(phase.process.startedAtMs);
  const finding = makeFinding({
    subject: subjectOf(known),
    causes: [
      {
        id: 'runner_older_than_source',
        confidence: 0.8,
        why: 'a file of its program was changed after it was started',
      },
    ],
    message: `The runner was started at ${started}, and ${file} was changed at ${isoTime(modifiedAtMs)}: it still runs the old source.`,
    nowMs: known.now,
    evidence: [
      { kind: 'process', source: 'process table', at: started, text: 'started' },
      { kind: 'file', source: file, at: isoTime(modifiedAtMs), text: 'changed' },
    ],
    setup: setupOf(known),
  });
  return [{ ...finding, firstAt: isoTime(modifiedAtMs) }];
}
