import { shorten } from '../notices';
import { coded, lost, means } from './clientFacts';
import { quiet } from './quiet';
import type { LinePattern } from './reader';
import { one, runner, sign } from './sign';

/** The gateway of vn.py for Interactive Brokers, in its own language and in English patches. */
export const vnpyLines: readonly LinePattern[] = [
  coded(
    '信息通知',
    /信息通知[，,]\s?代码\s?[：:]\s?(?<code>\d{1,5})\s?[，,]\s?内容\s?[：:]\s?(?<text>.*)/,
    'gateway',
  ),
  coded(
    '错误代码',
    /错误代码\s?[：:]\s?(?<code>\d{1,5})\s?[，,]\s?(?:错误信息|内容)\s?[：:]\s?(?<text>.*)/,
  ),
  coded('notice, code', /\bNotice, code: (?<code>\d{1,5}), (?:message|content): (?<text>.*)/),
  // The hello is answered; only an answer to the first request shows that the API is ready.
  means('ib tws', /IB TWS连接成功/, { kind: 'hello' }),
  means('服务器时间', /服务器时间\s?[：:]/, { kind: 'connected' }),
  lost('ib tws', /IB TWS连接断开/, true),
  {
    has: '找不到合约',
    pattern: /找不到合约\s?[：:]\s?([A-Z0-9.]{1,15})[^\s，]{0,60}/,
    read: ([text, symbol = '']) => [
      { kind: 'fetch failed', symbol, errorClass: '', text: shorten(text) },
    ],
  },
  sign(
    '合约代码中包含空格',
    /(?:订阅|委托)失败[，,]合约代码中包含空格/,
    runner,
    one('bad_configuration', 0.6),
  ),
  sign('代码解析失败', /代码解析失败/, runner, one('bad_configuration', 0.6)),
  sign('不支持的交易所', /不支持的交易所/, runner, one('bad_configuration', 0.6)),
  quiet('当前使用的交易账号', /当前使用的交易账号/),
  quiet('本地缓存合约信息加载成功', /本地缓存合约信息加载成功/),
];
