import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { describe, it } from 'mocha';
import { LogFeed } from '../../src/diagnostics/logFeed';

/** What tells a character's bytes: the decoder of the system, asked for every pair of bytes. */
function encoder(label: string): (text: string) => Buffer {
  const decoder = new TextDecoder(label);
  const table = new Map<string, readonly number[]>();
  for (let high = 0x80; high <= 0xff; high += 1) {
    const alone = decoder.decode(Uint8Array.of(high));
    if (alone.length === 1 && alone !== '\ufffd') {
      table.set(alone, [high]);
    }
    for (let low = 0x40; low <= 0xff; low += 1) {
      const text = decoder.decode(Uint8Array.of(high, low));
      if (text.length === 1 && !table.has(text)) {
        table.set(text, [high, low]);
      }
    }
  }
  return (text) =>
    Buffer.from(
      Array.from(text).flatMap((char) =>
        char <= '\u007f' ? [char.charCodeAt(0)] : (table.get(char) ?? assert.fail(char)),
      ),
    );
}

const utf16le = (text: string): Buffer => Buffer.from(text, 'utf16le');
const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

/** Sentences as a localised TWS or Windows has them, in the encoding of its system. */
const sentences: readonly (readonly [string, (text: string) => Buffer, string])[] = [
  ['Big5', encoder('big5'), '與伺服器的連線已中斷，無法連線到遠端主機。'],
  ['EUC-KR', encoder('euc-kr'), '대상 컴퓨터에서 연결을 거부했으므로 연결하지 못했습니다.'],
  [
    'Shift-JIS',
    encoder('shift_jis'),
    '対象のコンピューターによって拒否されたため、接続できません。',
  ],
  ['EUC-JP', encoder('euc-jp'), 'サーバーとの接続が失われました。'],
  ['GBK', encoder('gb18030'), '由于目标计算机积极拒绝，无法连接。'],
  ['Windows-1251', encoder('windows-1251'), 'Соединение с сервером разорвано.'],
  ['cp866', encoder('ibm866'), 'Соединение с сервером разорвано.'],
  ['Latin-1', (text) => Buffer.from(text, 'latin1'), 'Die Verbindung für den Server hört auf.'],
  ['UTF-8', (text) => Buffer.from(text), '연결이 끊어졌습니다 接続 Соединение'],
];

function found(bytes: Buffer): readonly (readonly [string, string])[] {
  const feed = new LogFeed();
  feed.push(bytes);
  return feed.end().map(({ causes: [best], message }) => [best?.id ?? '', message]);
}

const line = (words: string): string => `2026-02-03 09:14:02 Error 1100, reqId -1: ${words}\r\n`;
const expected = (words: string) => [['upstream_lost_1100', `TWS reports 1100: ${words}`]];

describe('a code of TWS with a text of any encoding', () => {
  for (const [name, encode, words] of sentences) {
    it(`decides, and the text stays readable: ${name}`, () => {
      assert.deepEqual(found(encode(line(words))), expected(words));
    });
    it(`likewise between lines of UTF-8: ${name}`, () => {
      const mixed = [Buffer.from('INFO börse ok 連\n'), encode(line(words)), Buffer.from('ü 끊\n')];
      assert.deepEqual(found(Buffer.concat(mixed)), expected(words));
    });
  }

  const wide = line('与服务器的连接已断开 – 재연결 Ошибка');
  const wideWords = '与服务器的连接已断开 – 재연결 Ошибка';
  const files: readonly (readonly [string, Buffer])[] = [
    ['UTF-8 with a mark', Buffer.from(`\ufeff${wide}`)],
    ['UTF-16 LE with a mark', utf16le(`\ufeff${wide}`)],
    ['UTF-16 LE without a mark', utf16le(wide)],
    ['UTF-16 BE without a mark', utf16be(`${wide}09:15 INFO ok\r\n`)],
    [
      'lines of UTF-16 LE behind others, as Windows PowerShell appends them',
      Buffer.concat([Buffer.from('INFO start\r\n'), utf16le(`09:13 INFO ok\r\n${wide}`)]),
    ],
  ];
  for (const [name, bytes] of files) {
    it(`decides: ${name}`, () => {
      assert.deepEqual(found(bytes), expected(wideWords));
    });
  }

  it('knows a refusal of Windows by its words, whatever the encoding', () => {
    for (const [label, words] of [
      ['euc-kr', '대상 컴퓨터에서 연결을 거부했으므로 연결하지 못했습니다.'],
      ['big5', '無法連線，因為目標電腦拒絕連線。'],
      ['shift_jis', '対象のコンピューターによって拒否されたため、接続できませんでした。'],
      [
        'windows-1251',
        'Подключение не установлено, т.к. конечный компьютер отверг запрос на подключение.',
      ],
    ] as const) {
      const text = `IB link: ${words} 127.0.0.1:7497\n`;
      assert.equal(found(encoder(label)(text))[0]?.[0], 'port_refused', label);
    }
  });
});
