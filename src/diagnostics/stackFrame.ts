import type { SourcePlace } from './runnerFacts';

/** One line of a stack, in any language. */
export interface StackFrame {
  readonly place: SourcePlace;
  /** It stands in the trader's own code, not in a library or the runtime. */
  readonly isOwn: boolean;
}

interface FrameShape {
  readonly pattern: RegExp;
  /** Whether the function that the frame names belongs to a library; files alone do not tell. */
  readonly isLibrary?: RegExp;
}

const libraryFile = new RegExp(
  [
    'site-packages|dist-packages|[\\\\/]lib(?:64)?[\\\\/]python|[\\\\/]Lib[\\\\/]|^<',
    // Python on Windows, whose folder is written in either case.
    '(?:[Pp]ython[\\d.-]{0,8}|conda\\d?|[\\\\/]envs[\\\\/][^\\\\/]{1,80})[\\\\/]lib[\\\\/]',
    // Clients of TWS that lie beside the program.
    '[\\\\/]ib_(?:async|insync)[\\\\/](?:client|connection|decoder|ib|ibcontroller|util|wrapper)\\.py$',
    '[\\\\/]ibapi[\\\\/](?:client|comm|connection|decoder|reader|utils|wrapper)\\.py$',
    'node_modules|^node:|^internal[\\\\/]|^native$|[\\\\/]\\.(?:yarn|pnpm)[\\\\/]',
    '\\.cargo[\\\\/]registry|\\.cargo[\\\\/]git|[\\\\/]rustc[\\\\/]|^library[\\\\/]|rustlib[\\\\/]',
    '[\\\\/]go[\\\\/]pkg[\\\\/]mod[\\\\/]|[\\\\/]go[\\\\/]src[\\\\/]|[\\\\/]vendor[\\\\/]',
    '[\\\\/]\\.julia[\\\\/]packages|[\\\\/]share[\\\\/]julia[\\\\/]',
    '^/usr/(?:local/)?(?:lib|share|include)\\b|^/_/src/|[\\\\/]source[\\\\/]pythonclient[\\\\/]ibapi',
  ].join('|'),
);
const javaLibrary =
  /^(?:java|javax|jdk|sun|com\.sun|com\.ib|kotlin|kotlinx|scala|groovy|io\.netty|reactor|org\.(?:apache|junit|slf4j|springframework|eclipse|gradle|codehaus))\./;
/** TWS, IB Gateway and the programs that keep them, with the machinery that starts them. */
const gatewayJava =
  /^(?:ibcalpha|ibcontroller|ibgateway|twslaunch|jclient|jextend|jlogin|jts|(?:com\.)?install4j|com\.ib\.(?!api\b|client\b|controller\b|samples\b))\b/;
const netLibrary = /^(?:System|Microsoft|IBApi|Newtonsoft|NUnit|Xunit)\./;

const shapes: readonly FrameShape[] = [
  // Python
  { pattern: /^File "(?<file>[^"]{1,1024})", line (?<line>\d{1,7})/ },
  // Java, Kotlin, Scala: at com.acme.Bot.run(Bot.java:88) ~[bot.jar:1.0]
  {
    pattern:
      /^at (?:[\w.@-]{1,100}\/{1,2}){0,3}(?<name>[\w.$<>]{1,400})\((?<file>[\w$-]{1,200}\.(?:java|kt|scala|groovy)):(?<line>\d{1,7})\)/,
    isLibrary: javaLibrary,
  },
  // .NET, whatever the language of the machine: at Ns.Bot.Run() in C:\bot\Bot.cs:line 88
  {
    pattern:
      /^\p{L}{1,6} (?<name>[^\s(]{1,400})\([^)]{0,600}\) \p{L}{1,6} (?<file>[^:]{0,3}:?[^:]{1,600}):\p{L}{1,12} (?<line>\d{1,7})\.?$/u,
    isLibrary: netLibrary,
  },
  // JavaScript: at fn (file:///home/t/bot.mjs:12:5); Rust: at ./src/main.rs:12:5
  {
    pattern:
      /^at (?:[^()]{1,300} \()?(?:file:\/\/)?(?<file>(?:node:|\/?[A-Za-z]:)?[^():]{1,600}):(?<line>\d{1,7}):\d{1,7}\)?$/,
  },
  // Go: /home/t/bot/main.go:12 +0x1d
  { pattern: /^(?<file>[^\s:]{0,3}:?[^\s:]{1,600}\.go):(?<line>\d{1,7})(?: \+0x[0-9a-f]{1,16})?$/ },
  // Julia: @ Desk ~/desk/src/Desk.jl:12 [inlined]
  {
    pattern:
      /^@ (?:(?<name>[\w.]{1,100}) )?(?<file>[^:]{1,600}\.jl):(?<line>\d{1,7})(?: \[inlined\])?$/,
    isLibrary: /^(?:Base|Core|Sockets)\b/,
  },
  // Debuggers of C and C++: #3 0x0000 in main () at bot.cpp:12
  { pattern: /^#\d{1,3}\s.{1,400} at (?<file>[^\s:]{1,400}):(?<line>\d{1,7})$/ },
];

/** Lines of a stack that name no place: (Native Method), no symbols, `... 12 more`. */
const blindFrame =
  /^(?:at [\w.$<>/@[\]\s`-]{1,400}\(.{0,400}\)|\.\.\. \d{1,6} (?:common frames omitted|more|lines matching .{1,200})|at async .{1,300}|at (?:<anonymous>|new Promise .{0,60})|\d{1,4}: .{1,400}|--- End of .{1,200})$/;

/** Reads one line of a stack; undefined where it is none, null where it names no place. */
export function readFrame(line: string): StackFrame | null | undefined {
  // Node opens the list of an error's properties behind its last frame.
  const text = line.endsWith(' {') ? line.slice(0, -2) : line;
  for (const { pattern, isLibrary } of shapes) {
    const groups = pattern.exec(text)?.groups;
    if (groups !== undefined) {
      const file = (groups['file'] ?? '').replace(/^\/(?=[A-Za-z]:)/, '');
      const isOwn = !libraryFile.test(file) && isLibrary?.test(groups['name'] ?? '') !== true;
      return { place: { file, line: Number(groups['line']) }, isOwn };
    }
  }
  return blindFrame.test(text) ? null : undefined;
}

/** Whose code a frame of a Java stack stands in. */
export type JavaOwner = 'own' | 'library' | 'client' | 'gateway';

/** Reads a frame of a Java stack, with or without a place; undefined for any other line. */
export function javaOwner(line: string): JavaOwner | undefined {
  const name =
    /^at (?:[\w.@-]{1,100}\/{1,2}){0,3}([\w.$<>]{1,400})\((?:[\w$-]{1,200}\.(?:java|kt|scala|groovy)(?::\d{1,7})?|Native Method|Unknown Source|<generated>)\)/.exec(
      line,
    )?.[1];
  if (name === undefined) {
    return undefined;
  }
  if (gatewayJava.test(name)) {
    return 'gateway';
  }
  if (name.startsWith('com.ib.')) {
    return 'client';
  }
  return javaLibrary.test(name) ? 'library' : 'own';
}
